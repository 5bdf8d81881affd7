package org.deepflash.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.deepflash.records.EpochPoint;
import org.deepflash.records.JobEvent;

/**
 * What a training told so far, one point per epoch. Numbers that a service does not send are missing, never guessed.
 *
 * <p>A training that is resumed tells some epochs again: what lay behind the first of them is forgotten.
 */
public final class TrainingHistory {

    private static final Pattern DEVICE = Pattern.compile("(?i)\\b(?:trains|training|runs|computes) on (?:the )?(.+?)(?:, goes on .*)?\\.?$");

    private final TreeMap<Integer, EpochPoint> points = new TreeMap<>();
    private final Map<String, Double> newest = new LinkedHashMap<>();
    private String device = "";
    private long maximum;

    /** Adds what happened next. */
    public void add(JobEvent event) {
        Matcher match = DEVICE.matcher(event.getProgress().getMessage());
        if (device.isEmpty() && match.find()) {
            device = match.group(1);
        }
        maximum = Math.max(maximum, event.getProgress().getMaximum());
        newest.putAll(event.getMetrics());
        boolean isEpoch = event.getMetrics().containsKey("loss") || event.getMetrics().containsKey("f1");
        if (isEpoch) {
            addEpoch(event);
        }
    }

    private void addEpoch(JobEvent event) {
        long current = event.getProgress().getCurrent();
        double told = event.getMetric("epoch");
        double epochs = event.getMetric("epochs");
        int epoch = Double.isNaN(told) ? (int) current : (int) Math.round(told);
        int member = (int) Math.max(1, event.getMetrics().getOrDefault("member", 1.0));
        int total = epoch;
        if (!Double.isNaN(told) && !Double.isNaN(epochs)) {
            total = (int) Math.round((member - 1) * epochs) + epoch;
        }
        if (total < 1) {
            return;
        }
        points.tailMap(total, false).clear();
        EpochPoint known = points.get(total);
        points.put(total, known == null ? new EpochPoint(member, epoch, total, event.getMetrics())
            : known.with(event.getMetrics()));
    }

    /** Returns the epochs in order. */
    public List<EpochPoint> getPoints() {
        return Collections.unmodifiableList(new ArrayList<>(points.values()));
    }

    /** Returns the newest value of a number, NaN if the training never told it. */
    public double getMetric(String name) {
        return newest.getOrDefault(name, Double.NaN);
    }

    /** Returns the newest value of every number. */
    public Map<String, Double> getMetrics() {
        return Collections.unmodifiableMap(newest);
    }

    /** Returns the epochs of all members, 0 if not known yet. */
    public int getEpochs() {
        return (int) maximum;
    }

    /** Returns the name of the device, empty if the training never told it. */
    public String getDevice() {
        return device;
    }

    /** Returns a copy that does not change any more. */
    public TrainingHistory copy() {
        TrainingHistory copy = new TrainingHistory();
        copy.points.putAll(points);
        copy.newest.putAll(newest);
        copy.device = device;
        copy.maximum = maximum;
        return copy;
    }
}
