package org.deepflash.fiji;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.io.Opener;
import ij.process.ImageProcessor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What the service found in one plane. */
public final class SegmentedPlane {

    private final PlanePosition position;
    private final List<Roi> rois;
    private final String csv;
    private final ImageProcessor labels;
    private final ImageProcessor probability;
    private final Map<String, String> newNames = new HashMap<>();

    /**
     * @param rois what was found
     * @param csv rois.csv
     * @param labels label image, or null if nobody wants it
     * @param probability probability map, or null
     */
    public SegmentedPlane(PlanePosition position, List<Roi> rois, String csv, ImageProcessor labels,
            ImageProcessor probability) {
        this.position = position;
        this.rois = rois;
        this.csv = csv;
        this.labels = labels;
        this.probability = probability;
    }

    /**
     * Decodes the TIFF of a label image or probability map.
     *
     * @throws IOException if ImageJ cannot read it
     */
    public static ImageProcessor decode(byte[] tiff) throws IOException {
        ImagePlus image = new Opener().openTiff(new ByteArrayInputStream(tiff), "result");
        if (image == null) {
            throw new IOException("the service sent an image that ImageJ cannot read");
        }
        return image.getProcessor();
    }

    /** Gives the ROIs their names, positions and properties. */
    public void describe(ImagePlus image, String target, String model) {
        String className = target.isEmpty() ? "roi" : target;
        int group = Groups.ofClass(className);
        for (int i = 0; i < rois.size(); i++) {
            Roi roi = rois.get(i);
            String label = roi.getProperty("dfl.label");
            String digits = label == null ? String.valueOf(i + 1) : label.trim().replaceAll("\\..*", "");
            String name = String.format(Locale.ROOT, "%s-t%03d-z%03d-%s", className, position.getFrame(),
                position.getSlice(), pad(digits));
            newNames.put(roi.getName(), name);
            roi.setName(name);
            roi.setProperty("dfl.model", model);
            roi.setProperty("dfl.image", image.getTitle());
            position.place(roi, image);
            RoiPainter.paint(roi, group);
        }
    }

    /**
     * Gives ROIs whose name is taken another one.
     *
     * @param taken names of other ROIs; those of this plane are added
     */
    public void makeUnique(Set<String> taken) {
        Map<String, String> unique = new HashMap<>();
        for (Roi roi : rois) {
            String name = RoiPainter.takeName(roi.getName(), taken);
            unique.put(roi.getName(), name);
            roi.setName(name);
        }
        newNames.replaceAll((service, name) -> unique.getOrDefault(name, name));
    }

    private static String pad(String digits) {
        StringBuilder text = new StringBuilder(digits);
        while (text.length() < 4) {
            text.insert(0, '0');
        }
        return text.toString();
    }

    /** Returns the name that a ROI of the service got here; unknown names stay as they are. */
    String newName(String serviceName) {
        return newNames.getOrDefault(serviceName, serviceName);
    }

    /** Returns where the plane lies. */
    public PlanePosition getPosition() {
        return position;
    }

    /** Returns the ROIs. */
    public List<Roi> getRois() {
        return rois;
    }

    /** Returns the table of the service. */
    String getCsv() {
        return csv;
    }

    /** Returns the label image, or null. */
    public ImageProcessor getLabels() {
        return labels;
    }

    /** Returns the probability map, or null. */
    public ImageProcessor getProbability() {
        return probability;
    }
}
