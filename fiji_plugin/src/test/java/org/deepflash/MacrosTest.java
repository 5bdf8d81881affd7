package org.deepflash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import org.deepflash.fiji.RoiFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MacrosTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "100000, 100000, 100000 x 100000",
        "46341, 46341, 46341 x 46341",
        "99999999999, 5, width=99999999999",
        "5, 1e3, height=1e3",
    })
    void sizesThatNoImageCanHaveAreNamed(String width, String height, String named) throws IOException {
        Path rois = folder.resolve("a_RoiSet.zip");
        RoiFiles.write(rois, Collections.singletonList(new Roi(1, 1, 3, 3)));
        Path output = folder.resolve("out.tif");
        String answer = Macros.roisToMask("rois=[" + rois + "] output=[" + output + "] width=" + width + " height="
            + height);
        assertRemedy(answer, named);
        assertFalse(Files.exists(output));
    }

    @ParameterizedTest
    @CsvSource({"99999999999", "-99999999999", "7"})
    void numbersOfImagesThatAreNotOpenAreNamed(String number) {
        assertRemedy(Macros.segment("model=m image=" + number), "No open image is named " + number);
    }

    @Test
    void numbersThatAreTooLargeAreNotCalledBroken() {
        assertRemedy(Macros.segment("model=m channel=99999999999"), "channel=99999999999");
        assertRemedy(Macros.segment("model=m min_roi_size=99999999999"), "min_roi_size=99999999999");
        assertRemedy(Macros.setUp("timeout_s=2147484"), "timeout_s=2147484");
        assertRemedy(Macros.setUp("timeout_s=0"), "timeout_s=0");
    }

    @Test
    void namesThatAreNoPathAreNamed() {
        assertRemedy(Macros.pairRois("images=a\0b rois=c"), "cannot be used as a path");
    }

    private static void assertRemedy(String answer, String named) {
        assertTrue(answer.startsWith("error: "), answer);
        assertTrue(answer.contains(named), answer);
        assertFalse(answer.contains("The plugin failed"), answer);
        assertFalse(answer.contains("Exception"), answer);
        assertEquals(2, answer.split("\\. ", 2).length, answer);
    }
}
