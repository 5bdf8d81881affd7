package org.deepflash.client;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.Job;

/** What a segmentation that is done tells beside its ROIs, such as that the pixel size is far from the training. */
public final class JobWarnings {

    private static final String FILE = "segmentation.json";

    private JobWarnings() {
    }

    /** Returns the sentences; none if the service is older and writes none. */
    public static List<String> read(ServiceClient client, Job job) {
        if (!job.getResults().contains(FILE)) {
            return Collections.emptyList();
        }
        JsonObject result = Json.readObject(client.getResult(job.getId(), FILE));
        List<String> sentences = new ArrayList<>();
        Json.array(result, "warnings").forEach(sentence -> sentences.add(sentence.getAsString()));
        return sentences;
    }
}
