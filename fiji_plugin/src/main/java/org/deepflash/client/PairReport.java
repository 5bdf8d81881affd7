package org.deepflash.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the service says of a data set before a training. */
public final class PairReport {

    private final List<PairVerdict> verdicts = new ArrayList<>();
    private final List<PairAgreement> agreement;
    private final List<String> warnings = new ArrayList<>();
    private final boolean isComparable;

    private PairReport(JsonObject answer) {
        for (JsonElement element : Json.array(answer, "verdicts")) {
            verdicts.add(readVerdict(element.getAsJsonObject()));
        }
        agreement = readAgreement(answer);
        Json.array(answer, "warnings").forEach(warning -> warnings.add(warning.getAsString()));
        isComparable = readExperts(answer).values().stream().anyMatch(experts -> experts.size() > 1);
    }

    static PairReport read(JsonObject answer) {
        return new PairReport(answer);
    }

    private static PairVerdict readVerdict(JsonObject one) {
        return new PairVerdict(Json.text(one, "image", ""), Json.text(one, "expert", ""), Json.text(one, "file", ""))
            .judged(Json.text(one, "verdict", ""), Json.text(one, "advice", ""))
            .scored(Json.number(one, "rois", Double.NaN), Json.number(one, "f1", Double.NaN),
                Json.number(one, "jaccard", Double.NaN));
    }

    static List<PairAgreement> readAgreement(JsonObject answer) {
        List<PairAgreement> pairs = new ArrayList<>();
        for (JsonElement element : Json.array(answer, "pairwise")) {
            JsonObject pair = element.getAsJsonObject();
            Map<String, Double> scores = new LinkedHashMap<>();
            pair.keySet().forEach(name -> {
                double value = Json.number(pair, name, Double.NaN);
                if (!Double.isNaN(value)) {
                    scores.put(name, value);
                }
            });
            pairs.add(new PairAgreement(Json.text(pair, "a", ""), Json.text(pair, "b", ""), scores));
        }
        return pairs;
    }

    /** Returns image to its experts, in the order of the service. */
    static Map<String, List<String>> readExperts(JsonObject answer) {
        Map<String, List<String>> pairs = new LinkedHashMap<>();
        for (JsonElement element : Json.array(answer, "pairs")) {
            JsonObject pair = element.getAsJsonObject();
            List<String> experts = new ArrayList<>();
            Json.array(pair, "experts").forEach(expert -> experts.add(expert.getAsString()));
            pairs.put(Json.text(pair, "image", ""), experts);
        }
        return pairs;
    }

    /** Returns the verdict on each image and expert, and on annotations without an image. */
    public List<PairVerdict> getVerdicts() {
        return Collections.unmodifiableList(verdicts);
    }

    /** Returns how well every two experts agree; empty if they cannot be compared. */
    public List<PairAgreement> getAgreement() {
        return Collections.unmodifiableList(agreement);
    }

    /** Returns one sentence for each thing to know, such as why experts cannot be compared. */
    public List<String> getWarnings() {
        return Collections.unmodifiableList(warnings);
    }

    /** Tells whether an image has usable annotations of two experts; if not, there is nothing to compare. */
    public boolean isComparable() {
        return isComparable;
    }
}
