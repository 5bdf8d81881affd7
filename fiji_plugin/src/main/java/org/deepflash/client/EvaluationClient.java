package org.deepflash.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deepflash.records.Job;

/** The part of the service that compares predictions with a truth. All calls throw {@link ServiceException}. */
public final class EvaluationClient {

    private final HttpTransport transport;

    EvaluationClient(HttpTransport transport) {
        this.transport = transport;
    }

    /**
     * Starts an evaluation.
     *
     * @param options such as threshold, min_roi_size and iou
     * @param predictions file name to bytes
     * @param truths file name to bytes; names pair the two
     */
    public Job submit(Map<String, ?> options, Map<String, byte[]> predictions, Map<String, byte[]> truths) {
        JsonObject json = new JsonObject();
        Json.addAll(json, options);
        Multipart body = new Multipart().addJson("options", json.toString());
        predictions.forEach((name, bytes) -> body.addFile("prediction", toHeader(name), bytes));
        truths.forEach((name, bytes) -> body.addFile("truth", toHeader(name), bytes));
        return JobJson.readJob(transport.send("POST", HttpServiceClient.API + "/evaluations", body.getContentType(),
            body.close()));
    }

    /** Starts an evaluation of a model on a data set; both stand in the options. */
    public Job submit(Map<String, ?> options) {
        JsonObject json = new JsonObject();
        Json.addAll(json, options);
        return JobJson.readJob(transport.send("POST", HttpServiceClient.API + "/evaluations", "application/json",
            json.toString().getBytes(StandardCharsets.UTF_8)));
    }

    private static String toHeader(String name) {
        return name.replaceAll("[\"\\p{Cntrl}]", "_");
    }

    /** Returns the scores per image, then the mean, from the result file of the job. */
    public static List<ScoreRow> read(byte[] evaluation) {
        JsonObject answer = Json.readObject(evaluation);
        List<ScoreRow> rows = new ArrayList<>();
        for (JsonElement element : Json.array(answer, "images")) {
            JsonObject image = element.getAsJsonObject();
            rows.add(new ScoreRow(Json.text(image, "image", ""), numbers(image)));
        }
        rows.add(new ScoreRow("Mean", numbers(Json.object(answer, "mean"))));
        return rows;
    }

    private static Map<String, Double> numbers(JsonObject object) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        object.keySet().forEach(name -> numbers.put(name, Json.number(object, name, Double.NaN)));
        return numbers;
    }
}
