package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RecordedPathsTest {

    @Test
    void pathsOfWindowsAreWrittenWithSlashes() {
        assertEquals("C:/my images/a.tif", RecordedPaths.toSlashes("C:\\my images\\a.tif"));
        // As ImageJ's recorder writes it.
        assertEquals("C:/my images/a.tif", RecordedPaths.toSlashes("C:\\\\my images\\\\a.tif"));
        assertEquals("//server/lab/a", RecordedPaths.toSlashes("\\\\server\\lab\\a"));
        assertEquals("anna=C:/a;ben=D:/b", RecordedPaths.toSlashes("anna=C:\\a;ben=D:\\b"));
    }

    @Test
    void otherTextsStay() {
        for (String text : new String[] {"/home/a\\b", "http://127.0.0.1:8000", "a\\nb", "", "anna=/a;ben=/b"}) {
            assertEquals(text, RecordedPaths.toSlashes(text));
        }
    }
}
