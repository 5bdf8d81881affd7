package org.deepflash.records;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** One line of what a job told: where it is, and numbers such as loss. */
public final class JobEvent {

    private final String time;
    private final String state;
    private final Progress progress;
    private final Map<String, Double> metrics;

    /**
     * @param time ISO 8601 text
     * @param state of the job at that time
     * @param progress message, current, maximum
     * @param metrics numbers by name
     */
    public JobEvent(String time, String state, Progress progress, Map<String, Double> metrics) {
        this.time = time;
        this.state = state;
        this.progress = progress;
        this.metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    }

    /** Returns when it happened, as ISO 8601 text. */
    public String getTime() {
        return time;
    }

    /** Returns the state of the job at that time. */
    public String getState() {
        return state;
    }

    /** Returns message, current and maximum. */
    public Progress getProgress() {
        return progress;
    }

    /** Returns the numbers by name. */
    public Map<String, Double> getMetrics() {
        return metrics;
    }

    /** Returns one number, NaN if the event has none of that name. */
    public double getMetric(String name) {
        return metrics.getOrDefault(name, Double.NaN);
    }
}
