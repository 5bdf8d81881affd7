package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.deepflash.records.JobEvent;
import org.deepflash.records.Progress;
import org.junit.jupiter.api.Test;

class TrainingHistoryTest {

    private final TrainingHistory history = new TrainingHistory();

    private void tell(String message, long current, Object... metrics) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        for (int i = 0; i < metrics.length; i += 2) {
            numbers.put((String) metrics[i], ((Number) metrics[i + 1]).doubleValue());
        }
        history.add(new JobEvent("", "running", new Progress(message, current, 20), numbers));
    }

    private String totals() {
        return history.getPoints().stream().map(point -> point.getMember() + ":" + point.getEpoch() + ":"
            + point.getTotal()).collect(Collectors.joining(" "));
    }

    @Test
    void membersFollowEachOther() {
        tell("Trains on a small GPU, float32.", 0);
        tell("", 10, "member", 1, "epoch", 10, "epochs", 10, "loss", 0.2);
        tell("", 11, "member", 2, "epoch", 1, "epochs", 10, "loss", 0.9);
        assertEquals("1:10:10 2:1:11", totals());
        assertEquals("a small GPU, float32", history.getDevice());
        assertEquals(20, history.getEpochs());
    }

    @Test
    void scoresThatComeLaterJoinTheirEpoch() {
        tell("", 5, "epoch", 5, "epochs", 20, "loss", 0.5);
        tell("", 5, "epoch", 5, "epochs", 20, "f1", 0.7);
        assertEquals("1:5:5", totals());
        assertEquals(0.5, history.getPoints().get(0).getMetric("loss"));
        assertEquals(0.7, history.getPoints().get(0).getMetric("f1"));
    }

    @Test
    void resumingForgetsWhatIsToldAgain() {
        for (int epoch = 1; epoch <= 6; epoch++) {
            tell("", epoch, "loss", 1.0 / epoch);
        }
        tell("", 4, "loss", 0.24);
        assertEquals("1:1:1 1:2:2 1:3:3 1:4:4", totals());
        assertEquals(0.24, history.getPoints().get(3).getMetric("loss"));
    }

    @Test
    void missingNumbersStayMissing() {
        tell("loading", 0);
        tell("half an epoch", 0, "seconds_left", 9);
        assertEquals("", totals());
        assertTrue(Double.isNaN(history.getMetric("f1")));
        assertEquals(9, history.getMetric("seconds_left"));
    }

    @Test
    void copiesDoNotChange() {
        tell("", 1, "loss", 1);
        TrainingHistory copy = history.copy();
        tell("", 2, "loss", 1);
        assertEquals(1, copy.getPoints().size());
    }
}
