package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.RoiManager;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.deepflash.records.InputException;

/** The ROIs that a person drew or mended on an image. */
final class DrawnRois {

    private static final List<Roi> ASIDE = new ArrayList<>();

    private DrawnRois() {
    }

    /** Returns the ROIs of the ROI Manager, else of the overlay; those found in another image are left out. */
    static List<Roi> find(ImagePlus image) {
        RoiManager manager = GraphicsEnvironment.isHeadless() ? null : RoiManager.getInstance2();
        if (manager != null && manager.getCount() > 0) {
            return ofImage(image, Arrays.asList(manager.getRoisAsArray()));
        }
        Overlay overlay = image.getOverlay();
        return overlay == null ? new ArrayList<>() : ofImage(image, Arrays.asList(overlay.toArray()));
    }

    private static List<Roi> ofImage(ImagePlus image, List<Roi> rois) {
        List<Roi> own = new ArrayList<>();
        for (Roi roi : rois) {
            String title = roi.getProperty("dfl.image");
            boolean isOfImage = title == null || title.equals(image.getTitle());
            if (isOfImage && !isAside(roi)) {
                own.add(roi);
            }
        }
        return own;
    }

    /** Lets the ROIs that are in the ROI Manager now belong to no image, until they are removed or changed there. */
    static void setAside() {
        ASIDE.clear();
        RoiManager manager = GraphicsEnvironment.isHeadless() ? null : RoiManager.getInstance2();
        if (manager != null) {
            for (Roi roi : manager.getRoisAsArray()) {
                ASIDE.add((Roi) roi.clone());
            }
        }
    }

    // By content and not by object, because the ROI Manager copies.
    private static boolean isAside(Roi roi) {
        return ASIDE.stream().anyMatch(aside -> aside.equals(roi) && Objects.equals(aside.getName(), roi.getName()));
    }

    /** Replaces the ROIs that {@link #find} gives by others; the rest of ROI Manager and overlay stays. */
    static void replace(ImagePlus image, List<Roi> rois) {
        List<Roi> own = find(image);
        if (GraphicsEnvironment.isHeadless()) {
            Overlay overlay = image.getOverlay() == null ? new Overlay() : image.getOverlay().duplicate();
            own.forEach(roi -> overlay.remove(roi));
            rois.forEach(overlay::add);
            image.setOverlay(overlay);
            return;
        }
        RoiManager manager = RoiManager.getInstance2() == null ? RoiManager.getRoiManager() : RoiManager.getInstance2();
        List<Roi> all = new ArrayList<>(Arrays.asList(manager.getRoisAsArray()));
        all.removeIf(roi -> own.stream().anyMatch(other -> other == roi));
        all.addAll(rois);
        manager.reset();
        all.forEach(roi -> manager.add(roi, -1));
    }

    static InputException missing(ImagePlus image) {
        return new InputException("No ROI is drawn on " + image.getTitle()
            + ". Outline each object and press t to add it to the ROI Manager, then save again.");
    }
}
