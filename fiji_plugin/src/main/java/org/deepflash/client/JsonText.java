package org.deepflash.client;

import com.google.gson.GsonBuilder;
import java.util.Map;

/** Writes JSON for people and programs. */
public final class JsonText {

    private JsonText() {
    }

    /** Returns an object with one line per fact. */
    public static String write(Map<String, Object> facts) {
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(facts) + "\n";
    }
}
