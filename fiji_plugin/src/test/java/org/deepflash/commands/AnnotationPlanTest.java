package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Line;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.Macros;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies in the folder of an expert after an annotation is saved, saved again or refused. */
class AnnotationPlanTest {

    @TempDir
    private Path folder;

    private static Roi roi(int left, int slice) {
        Roi roi = new Roi(left, 2, 4, 4);
        roi.setName("r" + left);
        roi.setPosition(slice);
        return roi;
    }

    private static ImagePlus stack() {
        return IJ.createImage("s.tif", "16-bit ramp", 20, 20, 3);
    }

    private String save(ImagePlus image, String options, Roi... rois) throws IOException {
        return SaveAnnotation.write(image, Arrays.asList(rois), OptionText.parse("output_folder=[" + folder + "] "
            + options));
    }

    private List<String> list(String name) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(name))) {
            return files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList());
        }
    }

    @Test
    void roisOfAllChannelsAreOneAnnotationUnderTheNameOfTheImage() throws IOException {
        ImagePlus image = IJ.createHyperStack("c.tif", 20, 20, 3, 1, 1, 16);
        Roi first = roi(1, 0);
        first.setPosition(1, 1, 1);
        Roi second = roi(8, 0);
        second.setPosition(2, 1, 1);
        save(image, "expert=anna", first, second, roi(14, 0));
        assertEquals(Arrays.asList("c.json", "c.tif", "c_RoiSet.zip"), list("anna"));
        assertEquals(3, Images.open(folder.resolve("anna/c.tif")).getProcessor().getStats().max);
    }

    @Test
    void aPlaneWithoutRoisAnyMoreIsMovedAsideWithAllItsFiles() throws IOException {
        save(stack(), "expert=anna", roi(1, 1), roi(6, 3));
        save(stack(), "expert=anna overwrite", roi(1, 1));
        List<String> kept = Arrays.asList(".removed", "s-t001-z001.json", "s-t001-z001.tif", "s-t001-z001_RoiSet.zip");
        assertEquals(kept, list("anna"));
        assertEquals(Arrays.asList("s-t001-z003.json", "s-t001-z003.tif", "s-t001-z003_RoiSet.zip"),
            list("anna/.removed"));
    }

    @Test
    void whatIsMovedAsideIsTold() throws IOException {
        save(stack(), "expert=anna", roi(1, 1), roi(6, 3));
        AnnotationPlan plan = new AnnotationPlan(stack(), Collections.singletonList(roi(1, 1)),
            folder.resolve("anna").resolve("s"), false);
        assertEquals(Collections.singletonList("s-t001-z003"), plan.findLeftover());
        plan.putLeftoverAside("both");
        assertEquals(1, plan.getNotes().size());
        assertTrue(plan.getNotes().get(0).contains("no ROI lies any more on s-t001-z003"), plan.getNotes().get(0));
    }

    @Test
    void addingAPlaneLeavesTheOthersAndImagesOfSimilarNames() throws IOException {
        save(stack(), "expert=anna format=mask", roi(1, 1));
        Files.write(folder.resolve("anna/s-t001-z009.tif"), new byte[1]);
        save(stack(), "expert=anna format=mask", roi(6, 3));
        save(stack(), "expert=anna format=mask overwrite", roi(6, 3), roi(1, 1));
        assertEquals(Arrays.asList("s-t001-z001.json", "s-t001-z001.tif", "s-t001-z003.json", "s-t001-z003.tif",
            "s-t001-z009.tif"), list("anna"));
    }

    @Test
    void noOldRoiSetStaysBesideAnEmptyAnnotation() throws IOException {
        ImagePlus image = IJ.createImage("one.tif", "8-bit black", 20, 20, 1);
        save(image, "expert=anna", roi(1, 0));
        save(image, "expert=anna overwrite");
        assertEquals(Arrays.asList(".removed", "one.json", "one.tif"), list("anna"));
    }

    @Test
    void anotherDisplayRangeIsNoOtherImage() throws IOException {
        String place = " image_folder=[" + folder.resolve("images") + "]";
        ImagePlus image = stack();
        image.getCalibration().setUnit("um");
        image.getCalibration().pixelWidth = 0.3333;
        save(image, "expert=anna" + place, roi(1, 1));
        byte[] before = Files.readAllBytes(folder.resolve("images/s-t001-z001.tif"));
        image.setDisplayRange(0, 77);
        save(image, "expert=ben" + place, roi(1, 1));
        assertArrayEquals(before, Files.readAllBytes(folder.resolve("images/s-t001-z001.tif")));
        assertTrue(list("ben").contains("s-t001-z001.tif"));
        image.getProcessor().set(3, 3, 999);
        InputException error = assertThrows(InputException.class, () -> save(image, "expert=cleo" + place, roi(1, 1)));
        assertTrue(error.getMessage().contains("exists already with other pixels"), error.getMessage());
        assertFalse(Files.exists(folder.resolve("cleo")));
    }

    @Test
    void theMacroFunctionWritesNothingIfOnePlaneCannotBeSaved() throws IOException {
        IJ.saveAsTiff(stack(), folder.resolve("s.tif").toString());
        Line line = new Line(1, 1, 9, 9);
        line.setPosition(3);
        String call = "output=[" + folder + "] expert=anna image=[" + folder.resolve("s.tif") + "] rois=["
            + folder.resolve("rois.zip") + "]";
        RoiFiles.write(folder.resolve("rois.zip"), Arrays.asList(roi(1, 1), line));
        assertTrue(Macros.saveAnnotation(call).startsWith("error: "));
        assertFalse(Files.exists(folder.resolve("anna")));
        Files.createDirectories(folder.resolve("anna"));
        Files.write(folder.resolve("anna/s-t001-z003_RoiSet.zip"), new byte[] {1});
        RoiFiles.write(folder.resolve("rois.zip"), Arrays.asList(roi(1, 1), roi(6, 3)));
        assertTrue(Macros.saveAnnotation(call).contains("s-t001-z003_RoiSet.zip exists already and was kept"));
        assertEquals(Collections.singletonList("s-t001-z003_RoiSet.zip"), list("anna"));
        assertEquals("2", Macros.saveAnnotation(call + " overwrite"));
        assertEquals(new ArrayList<>(Arrays.asList("s-t001-z001.tif", "s-t001-z001_RoiSet.zip", "s-t001-z003.tif",
            "s-t001-z003_RoiSet.zip")), list("anna"));
    }

    @Test
    void anImageThatIsConvertedAlreadyIsNotOpenedAgain() throws IOException {
        Files.createDirectories(folder.resolve("images"));
        Files.createDirectories(folder.resolve("rois"));
        Files.createDirectories(folder.resolve("anna"));
        Files.write(folder.resolve("images/p.tif"), new byte[] {1});
        RoiFiles.write(folder.resolve("rois/p_RoiSet.zip"), Arrays.asList(roi(1, 1)));
        Files.write(folder.resolve("anna/p.tif"), new byte[] {1});
        String call = "images=[" + folder.resolve("images") + "] rois=[" + folder.resolve("rois") + "] output=[" + folder
            + "] expert=anna";
        assertEquals("0 converted, 1 kept, 0 left out, 0 failed", Macros.roisToMasks(call));
        assertTrue(Macros.roisToMasks(call + " overwrite").contains("(0 converted, 0 kept, 0 left out, 1 failed)"));
    }

    @Test
    void aStackThatIsConvertedAlreadyIsKept() throws IOException {
        Files.createDirectories(folder.resolve("images"));
        Files.createDirectories(folder.resolve("rois"));
        IJ.saveAsTiff(stack(), folder.resolve("images/s.tif").toString());
        RoiFiles.write(folder.resolve("rois/s_RoiSet.zip"), Arrays.asList(roi(1, 1), roi(6, 3)));
        Files.write(folder.resolve("rois/q.geojson"), new byte[0]);
        String call = "images=[" + folder.resolve("images") + "] rois=[" + folder.resolve("rois") + "] output=[" + folder
            + "] expert=anna";
        assertEquals("1 converted, 0 kept, 1 left out, 0 failed", Macros.roisToMasks(call));
        assertEquals("0 converted, 1 kept, 1 left out, 0 failed", Macros.roisToMasks(call));
        assertEquals("1 converted, 0 kept, 1 left out, 0 failed", Macros.roisToMasks(call + " overwrite"));
        assertTrue(Macros.pairRois("images=[" + folder.resolve("images") + "] rois=[" + folder.resolve("rois") + "]")
            .contains("problem\tq.geojson holds outlines as GeoJSON, which need no conversion"));
    }
}
