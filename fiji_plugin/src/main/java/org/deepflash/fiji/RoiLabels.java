package org.deepflash.fiji;

import ij.gui.ImageRoi;
import ij.gui.Roi;
import ij.gui.TextRoi;
import ij.process.ByteProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;
import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.InputException;

/**
 * Draws ROIs into a label image: ROI number k of the list gets the label k.
 *
 * <p>Where ROIs overlap, the later one of the list wins, as when ImageJ fills them one after the other and as
 * the service draws uploaded ROI sets; ROIs of which nothing is left are named in {@link #getHidden()}.
 */
public final class RoiLabels {

    private final int width;
    private final int height;
    private final int[] labels;
    private final List<String> hidden = new ArrayList<>();

    private RoiLabels(int width, int height) {
        this.width = width;
        this.height = height;
        this.labels = new int[width * height];
    }

    /**
     * Draws the ROIs on an image of the given size.
     *
     * @throws InputException naming the first ROI that is no area or lies outside the image
     */
    public static RoiLabels draw(List<Roi> rois, int width, int height) {
        RoiLabels drawing = new RoiLabels(width, height);
        for (int i = 0; i < rois.size(); i++) {
            checkRoi(rois.get(i), width, height);
            drawing.paint(rois.get(i).getBounds(), maskOf(rois.get(i)), i + 1);
        }
        drawing.findHidden(rois);
        return drawing;
    }

    private static void checkRoi(Roi roi, int width, int height) {
        if (!roi.isArea() || roi instanceof TextRoi || roi instanceof ImageRoi) {
            throw new InputException("The ROI " + roi.getName() + " is a " + roi.getTypeAsString().toLowerCase()
                + ", which encloses no area. Outline the object with an area tool, or remove this ROI from the set.");
        }
        if (!new Rectangle(0, 0, width, height).intersects(roi.getBounds())) {
            Rectangle box = roi.getBounds();
            throw new InputException("The ROI " + roi.getName() + " at " + box.x + ", " + box.y
                + " lies outside the image of " + width + " x " + height
                + " pixels. The ROI set belongs to another image: check the pair.");
        }
    }

    private static ImageProcessor maskOf(Roi roi) {
        ImageProcessor mask = roi.getMask();
        if (mask == null) {
            Rectangle box = roi.getBounds();
            mask = new ByteProcessor(box.width, box.height);
            mask.setValue(255);
            mask.fill();
        }
        return mask;
    }

    private void paint(Rectangle box, ImageProcessor mask, int label) {
        for (int y = Math.max(0, -box.y); y < mask.getHeight() && box.y + y < height; y++) {
            for (int x = Math.max(0, -box.x); x < mask.getWidth() && box.x + x < width; x++) {
                if (mask.get(x, y) != 0) {
                    labels[(box.y + y) * width + box.x + x] = label;
                }
            }
        }
    }

    private void findHidden(List<Roi> rois) {
        boolean[] isSeen = new boolean[rois.size() + 1];
        for (int label : labels) {
            isSeen[label] = true;
        }
        for (int i = 0; i < rois.size(); i++) {
            if (!isSeen[i + 1]) {
                hidden.add(rois.get(i).getName());
            }
        }
    }

    /** Returns the labels row by row; 0 is background. */
    public int[] getLabels() {
        return labels.clone();
    }

    /** Returns the names of ROIs of which no pixel is seen: covered by later ones, or without a pixel of their own. */
    public List<String> getHidden() {
        return Collections.unmodifiableList(hidden);
    }

    /** Packs labels as a 16-bit image, or 32-bit above 65,535 ROIs. */
    public static ImageProcessor toProcessor(int[] labels, int width, int height) {
        int highest = 0;
        for (int label : labels) {
            highest = Math.max(highest, label);
        }
        ImageProcessor processor = highest > 65_535
            ? new FloatProcessor(width, height) : new ShortProcessor(width, height);
        for (int i = 0; i < labels.length; i++) {
            processor.setf(i, labels[i]);
        }
        processor.setMinAndMax(0, Math.max(1, highest));
        return processor;
    }
}
