package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.Overlay;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.deepflash.records.OptionText;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tool set on stacks, whose annotations are several files. */
class AnnotationSessionTest {

    @TempDir
    private Path folder;
    private ImagePlus image;

    private static Roi roi(int left) {
        Roi roi = new Roi(left, 2, 4, 4);
        roi.setName("r" + left);
        return roi;
    }

    private void open(int channels, int slices, int frames) {
        image = IJ.createHyperStack("a.tif", 20, 20, channels, slices, frames, 16);
        image.setProp(Images.FILE, folder.resolve("images").resolve("a.tif").toString());
        AnnotationSettings.sign(image);
    }

    private void draw(Roi... rois) {
        Overlay overlay = new Overlay();
        Arrays.asList(rois).forEach(overlay::add);
        image.setOverlay(overlay);
    }

    private void save(String options) throws IOException {
        SaveAnnotation.write(image, DrawnRois.find(image), OptionText.parse("expert=anna output_folder=["
            + folder.resolve("out") + "] " + options));
    }

    private int countUnsaved() {
        return AnnotationSession.findUnsaved(image).size();
    }

    private Path draft() {
        return folder.resolve("out/anna/.drafts/a_RoiSet.zip");
    }

    @BeforeEach
    void setUp() {
        AnnotationSettings.store(OptionText.parse("expert=anna class=x images=[" + folder.resolve("images")
            + "] output=[" + folder.resolve("out") + "]"));
    }

    @Test
    void aSavedStackIsSavedUntilARoiOfAnyPlaneChanges() throws IOException {
        open(2, 3, 2);
        Roi first = roi(1);
        first.setPosition(2, 3, 1);
        Roi second = roi(8);
        second.setPosition(1, 1, 2);
        draw(first, second);
        AnnotationSession.keep(image);
        assertTrue(Files.exists(draft()));
        assertEquals(2, countUnsaved());
        save("");
        assertEquals(0, countUnsaved());
        AnnotationSession.keep(image);
        assertFalse(Files.exists(draft()));
        draw(first);
        assertEquals(1, countUnsaved(), "one that is saved was removed");
        first.setPosition(2, 2, 1);
        draw(first, second);
        assertEquals(2, countUnsaved(), "one was moved to another slice");
    }

    @Test
    void whatIsSavedComesBackOnItsPlanes() throws IOException {
        open(2, 3, 2);
        Roi first = roi(1);
        first.setPosition(2, 3, 1);
        Roi second = roi(8);
        second.setPosition(1, 1, 2);
        draw(second, first);
        save("");
        open(2, 3, 2);
        assertEquals(2, AnnotationSession.restore(image, folder.resolve("images").resolve("a.tif")));
        Roi[] found = image.getOverlay().toArray();
        assertEquals("r1 3 1", found[0].getName() + " " + found[0].getZPosition() + " " + found[0].getTPosition());
        assertEquals("r8 1 2", found[1].getName() + " " + found[1].getZPosition() + " " + found[1].getTPosition());
        assertEquals(0, countUnsaved());
    }

    @Test
    void theAnnotatedPlanesAreSavedAsImagesToTrainOn() throws IOException {
        open(1, 3, 1);
        Roi third = roi(1);
        third.setPosition(3);
        draw(third);
        AnnotationSettings.store(OptionText.parse("expert=anna planes=[" + folder.resolve("planes") + "]"));
        WindowManager.setTempCurrentImage(image);
        try {
            AnnotationActions.act(OptionText.parse("action=save"));
        } finally {
            WindowManager.setTempCurrentImage(null);
            AnnotationSettings.store(OptionText.parse("expert=anna"));
        }
        assertTrue(Files.exists(folder.resolve("planes/a-t001-z003.tif")));
        assertEquals("", AnnotationSettings.getPlanes(), "another session begins without");
        assertEquals(0, countUnsaved());
    }

    @Test
    void severalChannelsOfOnePlaneAreSavedAtOnce() throws IOException {
        open(3, 1, 1);
        Roi first = roi(1);
        first.setPosition(1, 1, 1);
        Roi second = roi(8);
        second.setPosition(3, 1, 1);
        draw(first, second);
        save("");
        assertEquals(0, countUnsaved());
    }

    @Test
    void aPlainStackCountsItsPlanes() throws IOException {
        image = IJ.createImage("a.tif", "8-bit black", 20, 20, 4);
        image.setProp(Images.FILE, folder.resolve("images").resolve("a.tif").toString());
        AnnotationSettings.sign(image);
        Roi third = roi(1);
        third.setPosition(3);
        draw(third);
        save("");
        draw();
        assertEquals(1, AnnotationSession.restore(image, folder.resolve("images").resolve("a.tif")));
        assertEquals(3, image.getOverlay().get(0).getPosition());
        assertEquals(0, countUnsaved());
    }
}
