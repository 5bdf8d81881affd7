package org.deepflash.client;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.deepflash.records.EventPage;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.PluginVersion;
import org.deepflash.records.SegmentSettings;
import org.deepflash.records.ServiceAddress;
import org.deepflash.records.ServiceInfo;

/** Speaks docs/http-api.md over {@code HttpURLConnection}, which Java 8 has. */
public final class HttpServiceClient implements ServiceClient {

    static final String API = "/api/v" + PluginVersion.API;
    private static final String JSON = "application/json";
    private static final byte[] EMPTY = {'{', '}'};

    private final HttpTransport transport;

    /**
     * @param address where the service answers
     * @param timeout seconds of silence after which a request is given up
     */
    public HttpServiceClient(ServiceAddress address, int timeout) {
        this.transport = new HttpTransport(address, timeout);
    }

    @Override
    public String getUrl() {
        return transport.getUrl();
    }

    @Override
    public ServiceInfo checkService() {
        byte[] answer = transport.get(API + "/info");
        JsonObject info = Json.readObject(answer);
        if (!Json.text(info, "service", "").equals("deepflash")) {
            throw Sentences.down(transport.getUrl());
        }
        String version = Json.text(info, "version", "?");
        int api = (int) Json.number(info, "api", 0);
        if (api != PluginVersion.API) {
            throw Sentences.version(version, api);
        }
        return new ServiceInfo("deepflash", version, api, new String(answer, StandardCharsets.UTF_8), facts(info));
    }

    private static Map<String, String> facts(JsonObject info) {
        Map<String, String> facts = new LinkedHashMap<>();
        JsonObject device = Json.object(info, "device");
        facts.put("Device", Json.text(device, "name", "unknown") + " ("
            + Json.text(device, "kind", "cpu").toUpperCase(Locale.ROOT) + ")");
        facts.put("Engine", Json.text(device, "engine", "chosen at the first segmentation") + ", "
            + Json.text(device, "precision", "precision not known yet"));
        facts.put("TensorFlow", Json.text(Json.object(info, "software"), "tensorflow", "unknown"));
        JsonObject jobs = Json.object(info, "jobs");
        facts.put("Jobs", (long) Json.number(jobs, "running", 0) + " running, " + (long) Json.number(jobs, "queued", 0)
            + " queued");
        double gigabytes = Json.number(info, "free_disk_bytes", 0) / 1e9;
        facts.put("Free disk", String.format(Locale.ROOT, "%.1f GB", gigabytes));
        return facts;
    }

    @Override
    public List<ModelInfo> listModels() {
        return models().list();
    }

    @Override
    public ModelClient models() {
        return new ModelClient(transport);
    }

    @Override
    public DatasetClient datasets() {
        return new DatasetClient(transport);
    }

    @Override
    public EvaluationClient evaluations() {
        return new EvaluationClient(transport);
    }

    @Override
    public SchemaClient schemas() {
        return new SchemaClient(transport);
    }

    @Override
    public Job submitSegmentation(SegmentSettings settings, String imageName, byte[] tiff) {
        JsonObject options = new JsonObject();
        options.addProperty("model", settings.getModel());
        if (settings.getThreshold() != null) {
            options.addProperty("threshold", settings.getThreshold());
        }
        if (settings.getMinRoiSize() != null) {
            options.addProperty("min_roi_size", settings.getMinRoiSize());
        }
        Json.addAll(options, settings.getServiceOptions());
        Multipart body = new Multipart().addJson("options", options.toString())
            .addFile("image", toFileName(imageName), tiff);
        return JobJson.readJob(transport.send("POST", API + "/segmentations", body.getContentType(), body.close()));
    }

    /** Keeps letters, digits and a few signs, so that any title becomes a name that every system accepts. */
    static String toFileName(String title) {
        String stem = title.replaceFirst("(?i)\\.(tiff?|png|gif|jpe?g|bmp)$", "")
            .replaceAll("[^\\p{L}\\p{N}_.+-]+", "_").replaceAll("^[._]+|[._]+$", "");
        String shortened = stem.length() > 36 ? stem.substring(0, 36) : stem;
        return (shortened.isEmpty() ? "image" : shortened) + ".tif";
    }

    @Override
    public Job getJob(String id) {
        return JobJson.readJob(transport.get(API + "/jobs/" + Json.encode(id)));
    }

    @Override
    public void cancelJob(String id) {
        try {
            transport.send("DELETE", API + "/jobs/" + Json.encode(id), JSON, new byte[0]);
        } catch (ServiceException error) {
            if (!error.getCode().equals("job_finished")) {
                throw error;
            }
        }
    }

    @Override
    public Job stopJob(String id) {
        return JobJson.readJob(transport.send("POST", API + "/jobs/" + Json.encode(id) + "/stop", JSON, EMPTY));
    }

    @Override
    public Job resumeJob(String id) {
        return JobJson.readJob(transport.send("POST", API + "/jobs/" + Json.encode(id) + "/resume", JSON, EMPTY));
    }

    @Override
    public List<Job> listJobs() {
        return JobJson.readJobs(transport.get(API + "/jobs"));
    }

    @Override
    public EventPage getEvents(String id, long after) {
        return JobJson.readEvents(transport.get(API + "/jobs/" + Json.encode(id) + "/events?after=" + after));
    }

    @Override
    public String getLog(String id) {
        return new String(transport.get(API + "/jobs/" + Json.encode(id) + "/log"), StandardCharsets.UTF_8);
    }

    @Override
    public byte[] getResult(String id, String file) {
        return transport.get(API + "/jobs/" + Json.encode(id) + "/results/" + Json.encode(file));
    }
}
