package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;

class GeoJsonSizesTest {

    private static final String SQUARE = "[[[1,1],[5,1],[5,4],[1,4],[1,1]],[[2,2],[2,3],[3,3],[3,2],[2,2]]]";

    private static List<Integer> measure(String text) {
        return GeoJsonSizes.measure(text.getBytes(StandardCharsets.UTF_8), "a.geojson");
    }

    private static String feature(String type, String coordinates) {
        return "{\"type\":\"Feature\",\"geometry\":{\"type\":\"" + type + "\",\"coordinates\":" + coordinates + "}}";
    }

    @Test
    void holesAreNoAreaAndPartsAreOneRoi() {
        String both = feature("Polygon", SQUARE) + "," + feature("MultiPolygon", "[" + SQUARE + "," + SQUARE + "]");
        assertEquals(Arrays.asList(11, 22), measure("{\"type\":\"FeatureCollection\",\"features\":[" + both + "]}"));
        assertEquals(Arrays.asList(11, 22), measure("[" + both + "]"));
        assertEquals(Collections.emptyList(), measure(feature("Point", "[3,4]")));
    }

    @Test
    void geometriesCountOneByOneAlsoInACollection() {
        String both = "{\"type\":\"Polygon\",\"coordinates\":" + SQUARE + "},{\"type\":\"LineString\"}";
        assertEquals(Collections.singletonList(11), measure("{\"type\":\"Feature\",\"geometry\":{\"type\":"
            + "\"GeometryCollection\",\"geometries\":[" + both + "]}}"));
    }

    @Test
    void whatIsNoGeoJsonIsNamed() {
        String deep = String.join("", Collections.nCopies(200_000, "["));
        for (String text : new String[] {"", "no", deep, deep + deep.replace('[', ']'), "3", "[[3]]",
            feature("Polygon", "[[[1],[2]]]"),
            feature("Polygon", "[[[1,1],[\"a\",2]]]"), "[{\"type\":\"Polygon\",\"coordinates\":[3]}]"}) {
            InputException error = assertThrows(InputException.class, () -> measure(text), text);
            assertTrue(error.getMessage().startsWith("a.geojson cannot be read as GeoJSON."), error.getMessage());
        }
    }
}
