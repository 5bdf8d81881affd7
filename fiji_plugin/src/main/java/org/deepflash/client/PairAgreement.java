package org.deepflash.client;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** How well two experts agree, on average over their images. */
public final class PairAgreement {

    private final String first;
    private final String second;
    private final Map<String, Double> scores;

    PairAgreement(String first, String second, Map<String, Double> scores) {
        this.first = first;
        this.second = second;
        this.scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    }

    /** Returns one expert. */
    public String getFirst() {
        return first;
    }

    /** Returns the other expert. */
    public String getSecond() {
        return second;
    }

    /** Returns a score such as {@code f1}, NaN if there is none of that name. */
    public double get(String name) {
        return scores.getOrDefault(name, Double.NaN);
    }
}
