package org.deepflash.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deepflash.records.EventPage;
import org.deepflash.records.Job;
import org.deepflash.records.JobEvent;
import org.deepflash.records.Progress;

/** Reads jobs and events from the answers of the service. */
final class JobJson {

    private JobJson() {
    }

    static Job readJob(byte[] answer) {
        return readJob(Json.readObject(answer));
    }

    private static Job readJob(JsonObject job) {
        String id = Json.text(job, "id", "");
        if (id.isEmpty()) {
            throw Sentences.fault("its answer describes no job");
        }
        JsonObject error = Json.object(job, "error");
        List<String> results = new ArrayList<>();
        for (JsonElement result : Json.array(job, "results")) {
            results.add(result.getAsString());
        }
        return new Job.Builder(id).kind(Json.text(job, "kind", "")).state(Json.text(job, "state", "queued"))
            .progress(readProgress(job)).model(Json.text(job, "model", "")).created(Json.text(job, "created", ""))
            .finished(Json.text(job, "finished", ""))
            .error(Json.text(error, "code", ""), Json.text(error, "message", "")).results(results).build();
    }

    private static Progress readProgress(JsonObject object) {
        return new Progress(Json.text(object, "message", ""), (long) Json.number(object, "current", 0),
            (long) Json.number(object, "maximum", 0));
    }

    static List<Job> readJobs(byte[] answer) {
        JsonObject page = Json.readObject(answer);
        if (!page.has("jobs")) {
            throw Sentences.fault("its answer lists no jobs");
        }
        List<Job> jobs = new ArrayList<>();
        for (JsonElement job : objects(page, "jobs")) {
            jobs.add(readJob(job.getAsJsonObject()));
        }
        return jobs;
    }

    static EventPage readEvents(byte[] answer) {
        JsonObject page = Json.readObject(answer);
        List<JobEvent> events = new ArrayList<>();
        for (JsonElement element : objects(page, "events")) {
            JsonObject event = element.getAsJsonObject();
            events.add(new JobEvent(Json.text(event, "time", ""), Json.text(event, "state", ""), readProgress(event),
                readMetrics(Json.object(event, "metrics"))));
        }
        String state = Json.text(page, "state", "");
        if (state.isEmpty()) {
            throw Sentences.fault("its answer lists no events");
        }
        return new EventPage(events, (long) Json.number(page, "next", 0), state);
    }

    private static List<JsonElement> objects(JsonObject object, String key) {
        List<JsonElement> found = new ArrayList<>();
        JsonArray all = Json.array(object, key);
        all.forEach(element -> {
            if (element.isJsonObject()) {
                found.add(element);
            }
        });
        return found;
    }

    private static Map<String, Double> readMetrics(JsonObject metrics) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        for (String name : metrics.keySet()) {
            double value = Json.number(metrics, name, Double.NaN);
            if (!Double.isNaN(value)) {
                numbers.put(name, value);
            }
        }
        return numbers;
    }
}
