package org.deepflash.records;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The numbers of one epoch of a training. */
public final class EpochPoint {

    private final int member;
    private final int epoch;
    private final int total;
    private final Map<String, Double> metrics;

    /**
     * @param member network of the model, from 1
     * @param epoch of this member, from 1
     * @param total epochs of all members up to here
     * @param metrics numbers by name
     */
    public EpochPoint(int member, int epoch, int total, Map<String, Double> metrics) {
        this.member = member;
        this.epoch = epoch;
        this.total = total;
        this.metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    }

    /** Returns the network of the model, from 1. */
    public int getMember() {
        return member;
    }

    /** Returns the epoch of this member, from 1. */
    public int getEpoch() {
        return epoch;
    }

    /** Returns the epochs of all members up to here. */
    public int getTotal() {
        return total;
    }

    /** Returns the numbers by name. */
    public Map<String, Double> getMetrics() {
        return metrics;
    }

    /** Returns one number, NaN if there is none of that name. */
    public double getMetric(String name) {
        return metrics.getOrDefault(name, Double.NaN);
    }

    /** Returns this epoch with more numbers; new ones win. */
    public EpochPoint with(Map<String, Double> more) {
        Map<String, Double> all = new LinkedHashMap<>(metrics);
        all.putAll(more);
        return new EpochPoint(member, epoch, total, all);
    }
}
