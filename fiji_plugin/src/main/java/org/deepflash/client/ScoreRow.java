package org.deepflash.client;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The scores of one image, or of all together. */
public final class ScoreRow {

    private final String name;
    private final Map<String, Double> scores;

    ScoreRow(String name, Map<String, Double> scores) {
        this.name = name;
        this.scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    }

    /** Returns the image. */
    public String getName() {
        return name;
    }

    /** Returns a score such as {@code f1}, NaN if there is none of that name. */
    public double get(String score) {
        return scores.getOrDefault(score, Double.NaN);
    }
}
