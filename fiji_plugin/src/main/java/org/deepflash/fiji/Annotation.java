package org.deepflash.fiji;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ImageProcessor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.InputException;

/** The ROIs of one image by one expert, and the label image drawn from them. */
public final class Annotation {

    private final List<Roi> rois;
    private final ImagePlus labelImage;
    private final List<String> warnings;

    private Annotation(List<Roi> rois, ImagePlus labelImage, List<String> warnings) {
        this.rois = Collections.unmodifiableList(rois);
        this.labelImage = labelImage;
        this.warnings = Collections.unmodifiableList(warnings);
    }

    /**
     * Draws ROIs on the size of their image.
     *
     * @param image gives size, calibration and name; its pixels are not changed
     * @param splitsTouching whether ROIs are split at their necks by a watershed
     * @throws InputException if a ROI is no area or lies outside the image
     */
    public static Annotation draw(List<Roi> rois, ImagePlus image, boolean splitsTouching) {
        int width = image.getWidth();
        int height = image.getHeight();
        RoiLabels drawing = RoiLabels.draw(rois, width, height);
        List<Roi> kept = new ArrayList<>(rois);
        if (splitsTouching) {
            kept = TouchingSplitter.split(rois, drawing.getLabels(), width);
            drawing = RoiLabels.draw(kept, width, height);
        }
        List<String> warnings = new ArrayList<>();
        for (String name : drawing.getHidden()) {
            warnings.add("The ROI " + name + " of " + image.getTitle() + " has no pixel of its own: other ROIs cover it.");
        }
        ImageProcessor processor = RoiLabels.toProcessor(drawing.getLabels(), width, height);
        processor.setLut(GlasbeyLut.create());
        processor.setMinAndMax(0, 255);
        ImagePlus labels = new ImagePlus(RoiPairing.stem(image.getTitle()) + "-labels", processor);
        labels.setCalibration(Calibrations.spatial(image));
        return new Annotation(kept, labels, warnings);
    }

    /** Writes the label image, in place of what is there. */
    public void saveLabels(Path folder, String name) throws IOException {
        AtomicFiles.writeTiff(labelFile(folder, name), labelImage);
    }

    /** Writes the ROI set, in place of what is there. */
    public void saveRois(Path folder, String name) throws IOException {
        RoiFiles.write(setFile(folder, name), rois);
    }

    /** Returns where the label image belongs. */
    public static Path labelFile(Path folder, String name) {
        return folder.resolve(name + ".tif");
    }

    /** Returns where the ROI set belongs. */
    public static Path setFile(Path folder, String name) {
        return folder.resolve(name + "_RoiSet.zip");
    }

    /** Refuses to replace a file unless the user said so. */
    public static void refuseExisting(Path file, boolean replaces) {
        if (!replaces && Files.exists(file)) {
            throw new InputException(file + " exists already and was kept. Add overwrite to replace it,"
                + " or choose another folder or expert.");
        }
    }

    /** Returns the ROIs; more than were given if touching ones were split. */
    public List<Roi> getRois() {
        return rois;
    }

    /** Returns the 16-bit label image (32-bit above 65,535 ROIs). */
    public ImagePlus getLabelImage() {
        return labelImage;
    }

    /** Returns a sentence for each ROI that left no pixel. */
    public List<String> getWarnings() {
        return warnings;
    }
}
