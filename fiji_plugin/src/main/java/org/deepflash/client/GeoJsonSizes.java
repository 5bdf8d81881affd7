package org.deepflash.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.deepflash.records.InputException;

/** The areas of the outlines in a GeoJSON file, in pixels; what the file may hold at all, the service says. */
public final class GeoJsonSizes {

    private GeoJsonSizes() {
    }

    /**
     * Measures each feature.
     *
     * @param name of the file, for messages
     * @throws InputException if the file is no GeoJSON
     */
    public static List<Integer> measure(byte[] file, String name) {
        List<Integer> sizes = new ArrayList<>();
        try {
            add(sizes, JsonParser.parseString(new String(file, StandardCharsets.UTF_8)));
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException
                | IndexOutOfBoundsException | NumberFormatException | StackOverflowError error) {
            throw new InputException(name + " cannot be read as GeoJSON. Export the outlines again.");
        }
        return sizes;
    }

    private static void add(List<Integer> sizes, JsonElement element) {
        if (element.isJsonArray()) {
            element.getAsJsonArray().forEach(part -> add(sizes, part));
            return;
        }
        JsonObject object = element.getAsJsonObject();
        switch (Json.text(object, "type", "")) {
            case "FeatureCollection":
                add(sizes, Json.array(object, "features"));
                return;
            case "Feature":
                add(sizes, Json.object(object, "geometry"));
                return;
            case "GeometryCollection":
                add(sizes, Json.array(object, "geometries"));
                return;
            case "Polygon":
                sizes.add((int) Math.round(measure(Json.array(object, "coordinates"))));
                return;
            case "MultiPolygon":
                double area = 0;
                for (JsonElement polygon : Json.array(object, "coordinates")) {
                    area += measure(polygon.getAsJsonArray());
                }
                sizes.add((int) Math.round(area));
                return;
            default:
                // Points and lines have no area.
        }
    }

    /** Returns the area of the outer ring less those of the holes. */
    private static double measure(JsonArray rings) {
        double area = 0;
        for (int i = 0; i < rings.size(); i++) {
            JsonArray ring = rings.get(i).getAsJsonArray();
            double twice = 0;
            for (int k = 0; k + 1 < ring.size(); k++) {
                JsonArray from = ring.get(k).getAsJsonArray();
                JsonArray to = ring.get(k + 1).getAsJsonArray();
                twice += from.get(0).getAsDouble() * to.get(1).getAsDouble()
                    - to.get(0).getAsDouble() * from.get(1).getAsDouble();
            }
            area += (i == 0 ? 1 : -1) * Math.abs(twice) / 2;
        }
        return area;
    }
}
