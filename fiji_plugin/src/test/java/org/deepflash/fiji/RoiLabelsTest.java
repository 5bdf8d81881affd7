package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.ImagePlus;
import ij.gui.EllipseRoi;
import ij.gui.Line;
import ij.gui.OvalRoi;
import ij.gui.PointRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.gui.TextRoi;
import ij.process.ByteProcessor;
import ij.process.ImageProcessor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;

class RoiLabelsTest {

    private static Map<Integer, Integer> count(int[] labels) {
        Map<Integer, Integer> counts = new HashMap<>();
        for (int label : labels) {
            counts.merge(label, 1, Integer::sum);
        }
        return counts;
    }

    @Test
    void everyKindOfAreaFillsWhatImageJFills() {
        Roi hole = new ShapeRoi(new Roi(2, 2, 12, 12)).not(new ShapeRoi(new Roi(5, 5, 4, 4)));
        List<Roi> rois = Arrays.asList(hole, new OvalRoi(20, 3, 11, 9), new EllipseRoi(5, 30, 25, 45, 0.5),
            new PolygonRoi(new float[] {40.5f, 55.2f, 47f}, new float[] {10f, 12.5f, 30f}, Roi.POLYGON),
            new PolygonRoi(new int[] {40, 50, 50, 40}, new int[] {40, 40, 50, 50}, 4, Roi.TRACED_ROI));
        int[] labels = RoiLabels.draw(rois, 64, 64).getLabels();
        for (int k = 0; k < rois.size(); k++) {
            ImageProcessor expected = new ByteProcessor(64, 64);
            expected.setValue(255);
            expected.fill(rois.get(k));
            for (int i = 0; i < labels.length; i++) {
                assertEquals(expected.get(i) != 0, labels[i] == k + 1, "ROI " + k + " pixel " + i);
            }
        }
    }

    @Test
    void touchingRoisStayApartAndLaterOnesWin() {
        RoiLabels drawing = RoiLabels.draw(Arrays.asList(new Roi(0, 0, 10, 10), new Roi(10, 0, 10, 10),
            new Roi(8, 0, 4, 4), named(new Roi(9, 1, 1, 1), "inner"), new Roi(8, 0, 4, 4)), 30, 12);
        assertEquals(92, count(drawing.getLabels()).get(1));
        assertEquals(92, count(drawing.getLabels()).get(2));
        assertEquals(16, count(drawing.getLabels()).get(5));
        assertTrue(drawing.getHidden().contains("inner"));
        assertEquals(2, drawing.getHidden().size());
    }

    private static Roi named(Roi roi, String name) {
        roi.setName(name);
        return roi;
    }

    @Test
    void roisAreClippedAtTheBorderAndRefusedOutside() {
        assertEquals(25, count(RoiLabels.draw(Arrays.asList(new Roi(-5, -5, 10, 10)), 20, 20).getLabels()).get(1));
        InputException error = assertThrows(InputException.class,
            () -> RoiLabels.draw(Arrays.asList(named(new Roi(30, 30, 5, 5), "far")), 20, 20));
        assertTrue(error.getMessage().startsWith("The ROI far at 30, 30 lies outside the image of 20 x 20 pixels."));
    }

    @Test
    void whatEnclosesNoAreaIsRefusedByName() {
        for (Roi roi : new Roi[] {new Line(1, 1, 5, 5), new PointRoi(3, 3), new TextRoi(1, 1, "x"),
            new PolygonRoi(new float[] {1, 5, 9}, new float[] {1, 5, 1}, Roi.POLYLINE)}) {
            InputException error = assertThrows(InputException.class,
                () -> RoiLabels.draw(Arrays.asList(named(roi, "odd")), 20, 20));
            assertTrue(error.getMessage().startsWith("The ROI odd is a "), error.getMessage());
        }
    }

    @Test
    void watershedSplitsANeckWithoutLosingPixels() {
        ShapeRoi cells = new ShapeRoi(new OvalRoi(5, 5, 20, 20)).or(new ShapeRoi(new OvalRoi(22, 5, 20, 20)));
        Roi single = named(new OvalRoi(5, 30, 20, 20), "single");
        ImagePlus image = new ImagePlus("a.tif", new ByteProcessor(50, 55));
        Annotation whole = Annotation.draw(Arrays.asList(named(cells, "pair"), single), image, false);
        Annotation split = Annotation.draw(Arrays.asList(named(cells, "pair"), single), image, true);
        assertEquals(2, whole.getRois().size());
        assertEquals(3, split.getRois().size());
        assertEquals("pair-1", split.getRois().get(0).getName());
        assertEquals("single", split.getRois().get(2).getName());
        ImageProcessor before = whole.getLabelImage().getProcessor();
        ImageProcessor after = split.getLabelImage().getProcessor();
        for (int i = 0; i < before.getPixelCount(); i++) {
            assertEquals(before.get(i) != 0, after.get(i) != 0, "pixel " + i);
        }
        Map<Integer, Integer> sizes = count(RoiLabels.draw(split.getRois(), 50, 55).getLabels());
        assertEquals(sizes.get(1), sizes.get(2), 20);
    }

    @Test
    void labelImagesAre16BitAndWideOnesAre32Bit() {
        assertEquals(16, RoiLabels.toProcessor(new int[] {0, 65_535}, 2, 1).getBitDepth());
        assertEquals(70_000f, RoiLabels.toProcessor(new int[] {0, 70_000}, 2, 1).getf(1));
        assertEquals(32, RoiLabels.toProcessor(new int[] {0, 70_000}, 2, 1).getBitDepth());
    }
}
