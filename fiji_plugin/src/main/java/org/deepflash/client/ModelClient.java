package org.deepflash.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.deepflash.records.ModelInfo;

/** The part of the service about its library of models. All calls throw {@link ServiceException}. */
public final class ModelClient {

    private static final String MODELS = HttpServiceClient.API + "/models";

    private final HttpTransport transport;

    ModelClient(HttpTransport transport) {
        this.transport = transport;
    }

    /** Returns the newest version of each model, sorted by name. */
    public List<ModelInfo> list() {
        List<ModelInfo> models = readAll(transport.get(MODELS), "models");
        models.sort(Comparator.comparing(ModelInfo::getName, String.CASE_INSENSITIVE_ORDER));
        return models;
    }

    /** Returns all versions of a model, oldest first. */
    public List<ModelInfo> listVersions(String name) {
        return readAll(transport.get(MODELS + "/" + Json.encode(name)), "versions");
    }

    /** Adds the bytes of a package as a new version of the named model; an empty name means the one in the package. */
    public ModelInfo importPackage(byte[] zip, String name) {
        String query = name.isEmpty() ? "" : "?name=" + Json.encode(name);
        return read(Json.readObject(transport.send("POST", MODELS + query, "application/zip", zip)));
    }

    /** Returns a version as the bytes of a package. */
    public byte[] exportPackage(String name, int version) {
        return transport.get(address(name, version) + "/package?format=deepflash");
    }

    /** Gives all versions of a model another name; numbers and labels stay. */
    public void rename(String name, String newName) {
        JsonObject wanted = new JsonObject();
        wanted.addProperty("name", newName);
        transport.send("POST", MODELS + "/" + Json.encode(name) + "/rename", "application/json",
            wanted.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Moves a version to the trash of the service. */
    public void delete(String name, int version) {
        transport.send("DELETE", address(name, version), "", new byte[0]);
    }

    private static String address(String name, int version) {
        return MODELS + "/" + Json.encode(name) + "/versions/" + version;
    }

    private static List<ModelInfo> readAll(byte[] answer, String key) {
        JsonObject page = Json.readObject(answer);
        if (!page.has(key)) {
            throw Sentences.fault("its answer lists no " + key);
        }
        List<ModelInfo> models = new ArrayList<>();
        for (JsonElement card : Json.array(page, key)) {
            models.add(read(card.getAsJsonObject()));
        }
        return models;
    }

    private static ModelInfo read(JsonObject card) {
        return new ModelInfo.Builder(Json.text(card, "name", "?"))
            .version((int) Json.number(card, "version", 1))
            .target(Json.text(card, "target", "roi"))
            .threshold(Json.number(card, "threshold", 0.5))
            .minRoiSize((int) Json.number(card, "min_roi_size", 0))
            .channels((int) Json.number(Json.object(card, "network"), "channels", 1))
            .facts(facts(card))
            .build();
    }

    private static Map<String, String> facts(JsonObject card) {
        Map<String, String> facts = new LinkedHashMap<>();
        JsonObject calibration = Json.object(card, "calibration");
        JsonObject options = Json.object(card, "options");
        JsonObject scores = Json.object(card, "scores");
        double width = Json.number(calibration, "pixel_width", Double.NaN);
        facts.put("Base", Json.text(card, "base", ""));
        facts.put("Target", Json.text(card, "target", ""));
        facts.put("Pixel size", Double.isNaN(width) ? "" : number(width) + " " + Json.text(calibration, "unit", ""));
        facts.put("Epochs", Json.text(options, "epochs", Json.text(options, "preset", "")));
        facts.put("Networks", String.valueOf((int) Json.number(card, "members", 1)));
        facts.put("Pixel Jaccard", score(scores, "pixel_jaccard"));
        facts.put("ROI Jaccard", score(scores, "roi_jaccard"));
        facts.put("F1", score(scores, "f1"));
        facts.put("Created", Json.text(card, "created", ""));
        facts.put("Author", Json.text(card, "author", ""));
        facts.put("Device", Json.text(card, "device", ""));
        facts.put("Experts", join(card, "experts"));
        facts.put("Training images", join(card, "training_images"));
        facts.put("Held-out images", join(card, "held_out_images"));
        facts.put("Consensus", Json.text(card, "consensus", ""));
        facts.put("Licence", Json.text(card, "licence", ""));
        facts.put("Source", Json.text(card, "source", ""));
        facts.put("Notes", Json.text(card, "notes", ""));
        facts.put("Warnings", join(card, "warnings"));
        return facts;
    }

    private static String score(JsonObject scores, String name) {
        double value = Json.number(scores, name, Double.NaN);
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.3f", value);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "").replaceAll("\\.$", "");
    }

    private static String join(JsonObject card, String key) {
        List<String> words = new ArrayList<>();
        Json.array(card, key).forEach(word -> words.add(word.getAsString()));
        return String.join(", ", words);
    }
}
