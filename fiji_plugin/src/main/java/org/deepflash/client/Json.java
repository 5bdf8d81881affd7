package org.deepflash.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.UnsupportedEncodingException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Reads JSON without surprises: what is absent or null becomes the given default. */
final class Json {

    private Json() {
    }

    /** Parses an object; anything else becomes an empty one. */
    static JsonObject readObject(byte[] bytes) {
        try {
            JsonElement element = JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8));
            return element.isJsonObject() ? element.getAsJsonObject() : new JsonObject();
        } catch (JsonParseException error) {
            return new JsonObject();
        }
    }

    static String text(JsonObject object, String key, String defaultValue) {
        JsonElement element = object.get(key);
        return element == null || !element.isJsonPrimitive() ? defaultValue : element.getAsString();
    }

    static double number(JsonObject object, String key, double defaultValue) {
        JsonElement element = object.get(key);
        boolean isNumber = element != null && element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber();
        return isNumber ? element.getAsDouble() : defaultValue;
    }

    static JsonObject object(JsonObject object, String key) {
        JsonElement element = object.get(key);
        return element == null || !element.isJsonObject() ? new JsonObject() : element.getAsJsonObject();
    }

    static JsonArray array(JsonObject object, String key) {
        JsonElement element = object.get(key);
        return element == null || !element.isJsonArray() ? new JsonArray() : element.getAsJsonArray();
    }

    /** Adds numbers, words and booleans as they are. */
    static void addAll(JsonObject object, Map<String, ?> values) {
        values.forEach((key, value) -> {
            if (value instanceof Number) {
                object.addProperty(key, (Number) value);
            } else if (value instanceof Boolean) {
                object.addProperty(key, (Boolean) value);
            } else {
                object.addProperty(key, value.toString());
            }
        });
    }

    /** Returns text for one segment of an address. */
    static String encode(String text) {
        try {
            return URLEncoder.encode(text, "UTF-8").replace("+", "%20");
        } catch (UnsupportedEncodingException error) {
            throw new IllegalStateException(error);
        }
    }
}
