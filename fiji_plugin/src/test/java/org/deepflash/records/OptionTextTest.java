package org.deepflash.records;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import org.junit.jupiter.api.Test;

class OptionTextTest {

    @Test
    void readsWhatTheRecorderWrites() {
        OptionText options = OptionText.parse("model=Parv threshold=0.50 input=[my out/] add_to_manager planes=all ");
        assertEquals("Parv", options.get("model", ""));
        assertEquals("my out/", options.get("input", ""));
        assertTrue(options.has("add_to_manager"));
        assertFalse(options.has("append"));
        assertEquals("x", options.get("none", "x"));
    }

    @Test
    void bracketsInsideAPathDoNotEndIt() {
        assertEquals("a [1]b/c]d", OptionText.parse("x=[a [1]b] y=[a [1]b/c]d] z").get("y", ""));
        assertEquals("C:\\data\\my images", OptionText.parse("x=[C:\\data\\my images]").get("x", ""));
        assertEquals("", OptionText.parse("x=[]").get("x", ""));
    }

    @Test
    void faultsAreNamed() {
        assertThrows(InputException.class, () -> OptionText.parse("x=[a b"));
        assertThrows(InputException.class, () -> OptionText.parse("n=two").getInt("n", 1));
        InputException error = assertThrows(InputException.class,
            () -> OptionText.parse("treshold=1").allowOnly(Collections.singleton("threshold")));
        assertEquals("Unknown option treshold. Known are threshold.", error.getMessage());
        assertThrows(InputException.class, () -> OptionText.parse(null).need("model"));
    }

    @Test
    void settingsTakeTheWordModel() {
        SegmentSettings settings = SegmentSettings.fromOptions(OptionText.parse("model=m threshold=model"));
        assertNull(settings.getThreshold());
        assertNull(settings.getMinRoiSize());
        assertEquals(Planes.CURRENT, settings.getPlanes());
        SegmentSettings other = SegmentSettings.fromOptions(
            OptionText.parse("model=m threshold=0.5 min_roi_size=20 planes=[max projection] mask"));
        assertEquals(0.5, other.getThreshold());
        assertEquals(20, other.getMinRoiSize());
        assertEquals(Planes.MAX_PROJECTION, other.getPlanes());
        assertTrue(other.wants("mask"));
        for (String wrong : new String[] {"threshold=2", "threshold=x", "min_roi_size=-1", "planes=some", "channel=-2"}) {
            assertThrows(InputException.class, () -> SegmentSettings.fromOptions(OptionText.parse("model=m " + wrong)));
        }
    }
}
