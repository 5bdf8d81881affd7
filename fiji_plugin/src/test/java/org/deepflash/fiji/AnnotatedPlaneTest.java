package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Roi;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;

class AnnotatedPlaneTest {

    private final List<String> notes = new ArrayList<>();

    private static Roi roi(int channel, int slice, int frame) {
        Roi roi = new Roi(1, 1, 3, 3);
        roi.setPosition(channel, slice, frame);
        return roi;
    }

    private static ImagePlus hyperstack() {
        ImagePlus image = IJ.createHyperStack("h", 8, 8, 2, 3, 4, 16);
        image.setPosition(1, 2, 3);
        return image;
    }

    private List<String> divide(ImagePlus image, Roi... rois) {
        List<String> found = new ArrayList<>();
        AnnotatedPlane.divide(Arrays.asList(rois), image, notes)
            .forEach(plane -> found.add(plane.getSuffix() + "=" + plane.getRois().size()));
        return found;
    }

    @Test
    void planesComeInOrderAndHoldTheRoisOfAllChannels() {
        assertEquals(Arrays.asList("-t001-z003=1", "-t004-z001=2"),
            divide(hyperstack(), roi(2, 1, 4), roi(2, 3, 1), roi(2, 1, 4)));
        assertEquals(Collections.singletonList("-t001-z001=3"),
            divide(hyperstack(), roi(2, 1, 1), roi(1, 1, 1), roi(0, 1, 1)));
        assertTrue(notes.isEmpty());
    }

    @Test
    void aRoiWithoutPositionBelongsToThePlaneShownAndThatIsTold() {
        Roi free = new Roi(0, 0, 2, 2);
        assertEquals(Collections.singletonList("-t003-z002=2"), divide(hyperstack(), free, roi(0, 2, 0)));
        assertEquals(1, notes.size());
        assertTrue(notes.get(0).contains("2 of 2 ROIs have no position in the stack"), notes.get(0));
        assertEquals(Collections.singletonList("-t003-z002=0"), divide(hyperstack()));
    }

    @Test
    void aStackOfOneAxisCountsItsPlanes() {
        Roi third = new Roi(0, 0, 2, 2);
        third.setPosition(3);
        ImagePlus stack = IJ.createImage("s", "8-bit", 8, 8, 5);
        assertEquals(Collections.singletonList("-t001-z003=1"), divide(stack, third));
        assertEquals(3, third.getPosition(), "the ROI of the person stays as it is");
        assertEquals(0, AnnotatedPlane.divide(Arrays.asList(third), stack, notes).get(0).getRois().get(0)
            .getPosition());
        third.setPosition(9);
        assertThrows(InputException.class, () -> divide(stack, third));
        assertThrows(InputException.class, () -> divide(hyperstack(), roi(1, 1, 5)));
    }

    @Test
    void aSinglePlaneKeepsItsNameAndItsRois() {
        Roi one = new Roi(0, 0, 2, 2);
        List<AnnotatedPlane> planes = AnnotatedPlane.divide(Arrays.asList(one),
            IJ.createImage("s", "8-bit", 8, 8, 1), notes);
        assertEquals("", planes.get(0).getSuffix());
        assertEquals(one, planes.get(0).getRois().get(0));
        one.setPosition(7);
        assertEquals(Collections.singletonList("=1"), divide(IJ.createImage("s", "8-bit", 8, 8, 1), one));
        assertTrue(notes.isEmpty());
    }
}
