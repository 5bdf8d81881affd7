package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.RoiManager;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deepflash.records.InputException;

/** The ROIs that a person drew or mended on an image. */
final class DrawnRois {

    private DrawnRois() {
    }

    /** Returns the ROIs of the ROI Manager, else of the overlay; those found in another image are left out. */
    static List<Roi> find(ImagePlus image) {
        RoiManager manager = GraphicsEnvironment.isHeadless() ? null : RoiManager.getInstance2();
        if (manager != null && manager.getCount() > 0) {
            return ofImage(image, Arrays.asList(manager.getRoisAsArray()));
        }
        Overlay overlay = image.getOverlay();
        return overlay == null ? Collections.<Roi>emptyList() : ofImage(image, Arrays.asList(overlay.toArray()));
    }

    private static List<Roi> ofImage(ImagePlus image, List<Roi> rois) {
        List<Roi> own = new ArrayList<>();
        for (Roi roi : rois) {
            String title = roi.getProperty("dfl.image");
            if (title == null || title.equals(image.getTitle())) {
                own.add(roi);
            }
        }
        return own;
    }

    static InputException missing(ImagePlus image) {
        return new InputException("No ROI is drawn on " + image.getTitle()
            + ". Outline each object and press t to add it to the ROI Manager, then save again.");
    }
}
