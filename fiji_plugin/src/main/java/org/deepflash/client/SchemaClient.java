package org.deepflash.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deepflash.records.OptionField;
import org.deepflash.records.OptionField.Kind;
import org.deepflash.records.OptionFields;

/** Reads which options the service takes, so that a new one needs no new plugin. */
public final class SchemaClient {

    private final HttpTransport transport;

    SchemaClient(HttpTransport transport) {
        this.transport = transport;
    }

    /**
     * Returns the options of a kind of job: segmentation, evaluation or training.
     *
     * @throws ServiceException if the service does not answer
     */
    public OptionFields list(String kind) {
        byte[] answer = transport.get(HttpServiceClient.API + "/schemas/" + Json.encode(kind));
        List<OptionField> fields = new ArrayList<>();
        for (Map.Entry<String, JsonElement> entry : Json.object(Json.readObject(answer), "properties").entrySet()) {
            if (entry.getValue().isJsonObject()) {
                fields.add(read(entry.getKey(), entry.getValue().getAsJsonObject()));
            }
        }
        return new OptionFields(fields);
    }

    /** What is neither number, box nor choice can still be written as text: the service judges it. */
    private static OptionField read(String name, JsonObject property) {
        List<JsonObject> kinds = new ArrayList<>();
        boolean isNullable = false;
        for (JsonElement element : Json.array(property, "anyOf")) {
            JsonObject kind = element.getAsJsonObject();
            boolean isNull = Json.text(kind, "type", "").equals("null");
            isNullable |= isNull;
            if (!isNull) {
                kinds.add(kind);
            }
        }
        JsonObject kind = kinds.size() == 1 ? kinds.get(0) : property;
        List<String> words = new ArrayList<>();
        Json.array(kind, "enum").forEach(word -> words.add(word.getAsString()));
        boolean isSwitch = Json.text(kind, "type", "").equals("boolean")
            && Json.text(property, "default", "").equals("true");
        if (isSwitch) {
            // A box that is not ticked leaves no trace in a macro, so it cannot say no.
            words.addAll(OptionField.YES_OR_NO);
        }
        boolean isOpen = Double.isNaN(Json.number(kind, "minimum", Double.NaN));
        double lowest = Json.number(kind, isOpen ? "exclusiveMinimum" : "minimum", Double.NEGATIVE_INFINITY);
        return new OptionField(name, find(kind, words, isNullable)).oneOf(words).nullable(isNullable)
            .usual(Json.text(property, "default", "")).between(lowest,
                Json.number(kind, "maximum", Double.POSITIVE_INFINITY), !isOpen)
            .describedAs(Json.text(property, "description", Json.text(kind, "description", "")));
    }

    private static Kind find(JsonObject kind, List<String> words, boolean isNullable) {
        switch (words.isEmpty() ? Json.text(kind, "type", "") : "enum") {
            case "enum":
                // A choice always has a word; one that may be left open is written.
                return isNullable ? Kind.TEXT : Kind.CHOICE;
            case "boolean":
                return Kind.BOX;
            case "integer":
                return Kind.WHOLE;
            case "number":
                return Kind.NUMBER;
            default:
                return Kind.TEXT;
        }
    }
}
