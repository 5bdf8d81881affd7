package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.Roi;
import ij.process.ByteProcessor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import org.deepflash.Macros;
import org.deepflash.client.StubService;
import org.deepflash.fiji.RoiFiles;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderSegmentationTest {

    @TempDir
    private Path folder;

    private StubService service;
    private Path images;
    private Path output;

    @BeforeEach
    void start() throws IOException {
        service = new StubService().on("GET /api/v1/models", 200,
            "{\"models\":[{\"name\":\"tiny\",\"version\":1,\"network\":{\"channels\":1}}]}")
            .on("GET /api/v1/schemas/segmentation", 200, "{\"properties\":{\"glow\":{\"type\":\"number\"}}}");
        Files.write(folder.resolve("service.json"),
            ("{\"url\":\"" + service.url() + "\",\"token\":\"t\",\"api\":1}").getBytes(StandardCharsets.UTF_8));
        System.setProperty("deepflash.home", folder.toString());
        // The words of the path are no options.
        images = Files.createDirectories(folder.resolve("do not overwrite my labels here"));
        output = folder.resolve("out");
        IJ.saveAsTiff(new ImagePlus("good", new ByteProcessor(16, 16)), images.resolve("good, 1.tif").toString());
    }

    @AfterEach
    void stop() {
        service.close();
        System.clearProperty("deepflash.home");
        WindowManager.setTempCurrentImage(null);
    }

    private String run(String words) {
        return Macros.segmentFolder("images=[" + images + "] output=[" + output + "] model=tiny " + words);
    }

    private String summary() throws IOException {
        return new String(Files.readAllBytes(output.resolve("summary.csv")), StandardCharsets.UTF_8);
    }

    @Test
    void aFileThatIsNoImageIsARowAndNoOtherImageTakesItsPlace() throws IOException {
        byte[] whole = Files.readAllBytes(images.resolve("good, 1.tif"));
        Files.write(images.resolve("zz_cut.tif"), Arrays.copyOf(whole, whole.length - 9));
        Files.write(images.resolve("zz_bad.tif"), "no image".getBytes(StandardCharsets.UTF_8));
        ImagePlus own = new ImagePlus("users own image", new ByteProcessor(16, 16));
        WindowManager.setTempCurrentImage(own);
        String answer = run("");
        assertTrue(answer.contains("No image was segmented (0 segmented, 0 kept, 3 failed)"), answer);
        String[] rows = summary().split("\n");
        assertEquals("Image,ROIs,Error", rows[0]);
        assertTrue(rows[1].startsWith("\"good, 1.tif\",,\""), rows[1]);
        assertTrue(rows[2].startsWith("zz_bad.tif,,\"") && rows[2].contains("cannot be opened as an image"), rows[2]);
        assertTrue(rows[3].startsWith("zz_cut.tif,,\"") && rows[3].contains("its end is missing"), rows[3]);
        assertEquals(own, WindowManager.getCurrentImage());
        assertFalse(Files.exists(output.resolve("users own image_RoiSet.zip")));
    }

    @Test
    void noChannelIsTakenUnasked() throws IOException {
        IJ.saveAsTiff(IJ.createHyperStack("two", 16, 16, 2, 1, 1, 8), images.resolve("good, 1.tif").toString());
        String sentence = "good, 1.tif has 2 channels, but model tiny expects 1. Choose one with the option channel.";
        run("");
        assertTrue(summary().contains(sentence), summary());
        run("channel=0 planes=current");
        assertTrue(summary().contains(sentence), summary());
        run("channel=3");
        assertTrue(summary().contains("Choose a channel from 1 to 2."), summary());
        run("channel=2");
        assertFalse(summary().contains("hannel"), summary());
    }

    @Test
    void resultsAreKeptUnlessTheWordItselfIsGiven() throws IOException {
        Path set = output.resolve("good, 1_RoiSet.zip");
        RoiFiles.write(set, Collections.singletonList(new Roi(1, 1, 3, 3)));
        assertEquals("0 segmented, 1 kept, 0 failed", run(""));
        assertEquals("Image,ROIs,Error\n\"good, 1.tif\",1,\n", summary());
        assertTrue(run("overwrite").startsWith("error: No image was segmented (0 segmented, 0 kept, 1 failed)"));
    }

    @Test
    void wrongOptionsAreNamedBeforeAnythingIsDone() throws IOException {
        assertTrue(run("treshold=0.99").contains("Unknown option treshold"));
        assertTrue(run("glow=much").contains("glow=much is no number"));
        assertTrue(run("threshold=9").contains("no probability"));
        assertTrue(Macros.segmentFolder("images=/nope output=x model=[tiny").contains("Close it with ]"));
        assertTrue(Macros.segmentFolder("images=/nope output=x model=tiny").contains("There is no folder"));
        assertTrue(Macros.segmentFolder("output=x model=tiny").contains("images=DIR output=DIR model=NAME"));
        Files.delete(images.resolve("good, 1.tif"));
        assertTrue(run("").contains("There is no image in"));
        assertFalse(Files.exists(output));
    }
}
