package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ByteProcessor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoiFilesTest {

    @TempDir
    private Path folder;

    private static Roi roi(String name, int x) {
        Roi roi = new Roi(x, 2, 3, 4);
        roi.setName(name);
        return roi;
    }

    @Test
    void setsKeepOrderNamesAndPositions() throws IOException {
        Roi placed = roi("a", 1);
        placed.setPosition(2, 3, 4);
        placed.setProperty("dfl.model", "m@1");
        Path file = folder.resolve("sub").resolve("x_RoiSet.zip");
        RoiFiles.write(file, Arrays.asList(placed, roi("a", 5), roi("b/c", 9)));
        List<Roi> rois = RoiFiles.read(file);
        assertEquals(Arrays.asList(1, 5, 9), rois.stream().map(r -> r.getBounds().x).collect(Collectors.toList()));
        assertEquals("2 3 4", rois.get(0).getCPosition() + " " + rois.get(0).getZPosition() + " "
            + rois.get(0).getTPosition());
        assertEquals("m@1", rois.get(0).getProperty("dfl.model"));
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertEquals(1, files.count());
        }
    }

    @Test
    void damagedFilesAreRefusedWithARemedy() throws IOException {
        Path text = folder.resolve("a.zip");
        Files.write(text, "not a zip".getBytes(StandardCharsets.UTF_8));
        Path single = folder.resolve("b.roi");
        Files.write(single, new byte[] {1, 2, 3});
        for (Path file : new Path[] {text, single, folder.resolve("missing.zip")}) {
            InputException error = assertThrows(InputException.class, () -> RoiFiles.read(file));
            assertTrue(error.getMessage().contains(file.toString()), error.getMessage());
        }
    }

    private Path touch(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, new byte[0]);
        return file;
    }

    @Test
    void pairsGoByNameNotByOrder() throws IOException {
        for (String name : new String[] {"i/b.tif", "i/a.png", "i/0001_img.tif", "i/c.tif", "i/d_1.tif", "i/d_2.tif",
            "r/a_RoiSet.zip", "r/b.roi", "r/0001_anna_RoiSet.zip", "r/z_RoiSet.zip", "r/d_x.zip"}) {
            touch(name);
        }
        RoiPairing pairing = RoiPairing.find(folder.resolve("i"), folder.resolve("r"));
        String pairs = pairing.getPairs().entrySet().stream()
            .map(pair -> pair.getKey().getFileName() + "=" + pair.getValue().getFileName()).sorted()
            .collect(Collectors.joining(" "));
        assertEquals("a.png=a_RoiSet.zip b.tif=b.roi", pairs.replaceAll("0001_img.tif=\\S+ ?", ""));
        assertEquals(3, pairing.getProblems().size());
        assertTrue(pairing.getProblems().get(0).contains("cannot be told apart"));
        assertThrows(InputException.class, () -> RoiPairing.find(folder.resolve("nope"), folder));
    }

    @Test
    void outlinesOfAnImageThatHasItsRoiSetAreNotMissed() throws IOException {
        for (String name : new String[] {"i/a.tif", "i/b_img.tif", "i/b_far.tif", "i/c.ome.tif", "i/d.tif", "r/a_RoiSet.zip",
            "r/a_rois.geojson", "r/b_img_RoiSet.zip", "r/b_far_rois.geojson", "r/c.zip", "r/c.ome_rois.geojson", "r/C.geojson",
            "r/d_anna_RoiSet.zip", "r/d_anna_Rois.geojson", "r/d_ben.geojson"}) {
            touch(name);
        }
        RoiPairing pairing = RoiPairing.find(folder.resolve("i"), folder.resolve("r"));
        assertEquals(4, pairing.getPairs().size(), pairing.getProblems().toString());
        assertEquals("No C.geojson b_far_rois.geojson d_ben.geojson", pairing.getProblems().stream()
            .map(problem -> problem.substring(0, problem.indexOf(' '))).collect(Collectors.joining(" ")));
    }

    @Test
    void theSecondExtensionOfOmeFilesIsNoPartOfTheName() throws IOException {
        for (String name : new String[] {"i/a.ome.tif", "i/b.ome.tiff", "i/c.ome.tif", "i/d.tif", "r/a.zip",
            "r/b_RoiSet.zip", "r/c.ome_RoiSet.zip", "r/d.ome.zip"}) {
            touch(name);
        }
        RoiPairing pairing = RoiPairing.find(folder.resolve("i"), folder.resolve("r"));
        assertEquals(4, pairing.getPairs().size(), pairing.getProblems().toString());
        assertEquals("a", RoiPairing.stem("a.ome.tif"));
        assertEquals(".ome", RoiPairing.stem(".ome.tif"));
    }

    @Test
    void annotationsAreNotReplacedSilently() throws IOException {
        Annotation annotation = Annotation.draw(Arrays.asList(roi("a", 1)),
            new ImagePlus("a.tif", new ByteProcessor(20, 10)), false);
        annotation.saveLabels(folder, "a");
        annotation.saveRois(folder, "a");
        Path labels = Annotation.labelFile(folder, "a");
        InputException error = assertThrows(InputException.class, () -> Annotation.refuseExisting(labels, false));
        assertTrue(error.getMessage().contains("exists already and was kept"));
        Annotation.refuseExisting(labels, true);
        Annotation.refuseExisting(Annotation.labelFile(folder, "b"), false);
        annotation.saveLabels(folder, "a");
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(2, files.count(), "no temporary file stays");
        }
    }
}
