package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.JobEvent;
import org.deepflash.records.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTextTest {

    private static TrainingHistory history(int epochs) {
        TrainingHistory history = new TrainingHistory();
        for (int epoch = 1; epoch <= epochs; epoch++) {
            Map<String, Double> metrics = new LinkedHashMap<>();
            metrics.put("loss", epoch == 1 ? 40.0 : 1.0 / epoch);
            metrics.put("seconds_per_epoch", 4.21);
            metrics.put("seconds_left", 190.0);
            if (epoch % 5 == 0) {
                metrics.put("f1", 0.5 + 0.02 * epoch);
                metrics.put("pixel_jaccard", 0.4 + 0.02 * epoch);
            }
            history.add(new JobEvent("", "running", new Progress("epoch " + epoch, epoch, 20), metrics));
        }
        return history;
    }

    private static Job job(String id, String kind, String state) {
        return new Job.Builder(id).kind(kind).state(state).model("my cells@2").build();
    }

    @Test
    void linesNameWhatIsKnown() {
        TrainingHistory history = history(10);
        assertEquals("epoch 10 of 20, loss 0.1000, F1 0.700, pixel Jaccard 0.600, 3 min 10 s left",
            TrainingText.epochLine(history.getPoints().get(9), history));
        assertEquals("Epoch 10 of 20", TrainingText.epochs(history, job("a", "training", "running")));
        assertEquals("Epoch 10 of 20", TrainingText.epochs(history, job("a", "training", "stopped")));
        assertEquals("Epoch 20 of 20", TrainingText.epochs(history(20), job("a", "training", "done")));
        assertEquals("4.2 s per epoch  \u00b7  3 min 10 s left", TrainingText.pace(history, 190));
        assertEquals("", TrainingText.pace(new TrainingHistory(), Double.NaN));
    }

    @Test
    void stoppedTrainingWithoutModelSaysSo() {
        String message = "Stopped before the first step; there is nothing to keep yet.";
        Job.Builder nothing = new Job.Builder("a").kind("training").state("stopped").model("my cells");
        assertEquals(message, TrainingText.ending(nothing.progress(new Progress(message, 0, 0)).build()));
        assertEquals("Stopped: my cells@2 in the library holds the best weights. Resume trains on from here.",
            TrainingText.ending(job("a", "training", "stopped")));
    }

    @Test
    void aTrainingThatEndsEarlySaysSoAndWhy() {
        String why = "Stopped early after epoch 10 of 20: no better score for 8 epochs; the best epoch 2 is kept.";
        Job early = new Job.Builder("a").kind("training").state("done").model("my cells@2")
            .progress(new Progress(why + " Saved my cells@2. It was worth it.", 20, 20)).build();
        assertEquals("Epoch 10 of 20, stopped early", TrainingText.epochs(history(10), early));
        assertEquals("Done: my cells@2 is in the library. " + why + " It was worth it.", TrainingText.ending(early));
        assertEquals("Done: my cells@2 is in the library.", TrainingText.ending(job("a", "training", "done")));
        Job stopped = new Job.Builder("a").kind("training").state("stopped").model("my cells@2")
            .progress(new Progress("Saved my cells@2. It was worth it.", 20, 20)).build();
        assertEquals("Stopped: my cells@2 in the library holds the best weights. Resume trains on from here. It was worth"
            + " it.", TrainingText.ending(stopped));
        Job other = new Job.Builder("a").kind("training").state("done").model("my cells@2")
            .progress(new Progress("Epoch 20 of 20", 20, 20)).build();
        assertEquals("Done: my cells@2 is in the library.", TrainingText.ending(other));
    }

    @Test
    void thePlaceOfThePreviewSaysWhyThereIsNone() {
        Job done = job("a", "training", "done");
        assertEquals("comes with the first scores", TrainingText.missingPreview(job("a", "training", "running"),
            history(1)));
        assertEquals("there is none: no image was held out", TrainingText.missingPreview(done, history(4)));
        assertEquals("there is none: it ended before the first scores",
            TrainingText.missingPreview(job("a", "training", "cancelled"), history(4)));
        assertEquals("cannot be had from the service", TrainingText.missingPreview(done, history(5)));
    }

    @Test
    void durationsReadLikeAClock() {
        assertEquals("0.0 s 9.9 s 10 s 59 s 1 min 00 s 2 h 05 min", String.join(" ", TrainingText.duration(-1),
            TrainingText.duration(9.94), TrainingText.duration(9.96), TrainingText.duration(59.4),
            TrainingText.duration(59.6), TrainingText.duration(7500)));
    }

    @Test
    void runningTrainingIsChosenBeforeNewerOnes() {
        Job running = job("b", "training", "running");
        assertEquals("b", TrainingMonitor.findLatest(Arrays.asList(job("d", "segmentation", "running"),
            job("c", "training", "queued"), running, job("a", "training", "done"))).getId());
        assertEquals("z", TrainingMonitor.findLatest(Arrays.asList(job("z", "training", "done"),
            job("a", "training", "failed"))).getId());
        assertThrows(InputException.class, () -> TrainingMonitor.findLatest(Collections.emptyList()));
    }

    @Test
    void curveIsSavedAsTableAndPicture(@TempDir Path folder) throws IOException {
        Path table = CurveFiles.write(folder, job("j1", "training", "done"), history(10));
        assertEquals("my_cells-j1-curve.csv", table.getFileName().toString());
        assertEquals("total_epoch,member,epoch,f1,loss,pixel_jaccard,seconds_left,seconds_per_epoch",
            Files.readAllLines(table).get(0));
        assertEquals("10,1,10,0.7,0.1,0.6000000000000001,190,4.21", Files.readAllLines(table).get(10));
        assertEquals("1,1,1,,40,,190,4.21", Files.readAllLines(table).get(1));
        BufferedImage picture = ImageIO.read(folder.resolve("my_cells-j1-curve.png").toFile());
        assertEquals(1200, picture.getWidth());
        assertTrue(count(picture, new Color(0x0072B2)) > 300);
    }

    @Test
    void oneWildEpochDoesNotFlattenTheCurve() {
        BufferedImage picture = new BufferedImage(600, 400, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        new CurvePainter(history(20), new Dimension(600, 400), 1).paint(graphics);
        graphics.dispose();
        int rows = 0;
        for (int y = 45; y < 345; y++) {
            boolean hasLoss = false;
            for (int x = 110; x < 530; x++) {
                hasLoss |= picture.getRGB(x, y) == new Color(0x0072B2).getRGB();
            }
            rows += hasLoss ? 1 : 0;
        }
        assertTrue(rows > 150, "the loss spans " + rows + " rows");
    }

    @Test
    void emptyCurveSaysSo() {
        BufferedImage picture = new BufferedImage(600, 400, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        new CurvePainter(new TrainingHistory(), new Dimension(600, 400), 1).paint(graphics);
        graphics.dispose();
        assertTrue(count(picture, Color.GRAY) > 50);
        assertEquals("The first epoch has not begun yet", TrainingText.epochs(new TrainingHistory(),
            job("a", "training", "done")));
    }

    private static int count(BufferedImage picture, Color color) {
        int found = 0;
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = 0; x < picture.getWidth(); x++) {
                found += picture.getRGB(x, y) == color.getRGB() ? 1 : 0;
            }
        }
        return found;
    }
}
