package org.deepflash.client;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.deepflash.records.Job;

/** The part of the service about data sets and trainings. All calls throw {@link ServiceException}. */
public final class DatasetClient {

    private static final String DATASETS = HttpServiceClient.API + "/datasets";
    private static final String JSON = "application/json";
    private static final String BYTES = "application/octet-stream";

    private final HttpTransport transport;

    DatasetClient(HttpTransport transport) {
        this.transport = transport;
    }

    /** Makes an empty data set and returns its id. */
    public String create(String name) {
        JsonObject body = new JsonObject();
        body.addProperty("name", name);
        return Json.text(Json.readObject(transport.send("POST", DATASETS, JSON, utf8(body))), "id", "");
    }

    /** Moves a data set to the trash of the service. */
    public void delete(String id) {
        transport.send("DELETE", DATASETS + "/" + Json.encode(id), "", new byte[0]);
    }

    /** Uploads the bytes of an image file under its name. */
    public void putImage(String id, String name, byte[] file) {
        transport.send("PUT", DATASETS + "/" + Json.encode(id) + "/images/" + Json.encode(name), BYTES, file);
    }

    /** Uploads what one expert marked in an image (mask, label image or ROI set); returns the number of ROIs. */
    public int putAnnotation(String id, String expert, String name, byte[] file) {
        byte[] answer = transport.send("PUT", DATASETS + "/" + Json.encode(id) + "/annotations/" + Json.encode(expert)
            + "/" + Json.encode(name), BYTES, file);
        return (int) Json.number(Json.readObject(answer), "rois", 0);
    }

    /** Returns image to its experts, in the order of the service; what was left out goes to the warnings. */
    public Map<String, List<String>> listPairs(String id, List<String> warnings, ProgressListener listener) {
        JsonObject answer = Json.readObject(transport.get(DATASETS + "/" + Json.encode(id) + "/pairs", listener));
        Json.array(answer, "warnings").forEach(warning -> warnings.add(warning.getAsString()));
        return PairReport.readExperts(answer);
    }

    /** Returns what the service says of each image and expert, and how well every two experts agree. */
    public PairReport judgePairs(String id, ProgressListener listener) {
        return PairReport.read(Json.readObject(transport.get(DATASETS + "/" + Json.encode(id) + "/pairs?verdicts=true",
            listener)));
    }

    /** Compares every two experts; empty for a single one. */
    public List<PairAgreement> compareExperts(String id, ProgressListener listener) {
        return PairReport.readAgreement(Json.readObject(transport.get(DATASETS + "/" + Json.encode(id) + "/agreement",
            listener)));
    }

    /** Returns the consensus of the experts of one image as a TIFF of 0 and 255. */
    public byte[] getConsensus(String id, String image, String method, ProgressListener listener) {
        return transport.get(DATASETS + "/" + Json.encode(id) + "/consensus/" + Json.encode(image) + "?method="
            + Json.encode(method), listener);
    }

    /** Starts a training; numbers, words and booleans become JSON as they are. */
    public Job train(Map<String, Object> options) {
        JsonObject body = new JsonObject();
        Json.addAll(body, options);
        return JobJson.readJob(transport.send("POST", HttpServiceClient.API + "/trainings", JSON, utf8(body)));
    }

    private static byte[] utf8(JsonObject body) {
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }
}
