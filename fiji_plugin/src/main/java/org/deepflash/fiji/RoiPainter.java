package org.deepflash.fiji;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.RoiManager;
import java.awt.Color;
import java.io.File;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Lays ROIs over their image and into the ROI Manager, whose other ROIs are never touched. */
public final class RoiPainter {

    private static final Color[] COLOURS = {Color.YELLOW, Color.CYAN, Color.MAGENTA, Color.GREEN, Color.ORANGE,
        Color.RED, Color.PINK, Color.BLUE};
    private static final String MODEL = "dfl.model";
    private static final String IMAGE = "dfl.image";

    private RoiPainter() {
    }

    /** Gives a ROI the group, from 1, and its colour. */
    public static void paint(Roi roi, int group) {
        if (hasGroupColours()) {
            roi.setGroup(group);
        } else {
            // ImageJ without a luts folder logs a complaint for every group: colour alone then.
            roi.setStrokeColor(COLOURS[(group - 1) % COLOURS.length]);
        }
    }

    private static boolean hasGroupColours() {
        String folder = IJ.getDirectory("luts");
        return folder != null && (new File(folder, "Glasbey.lut").exists() || new File(folder, "glasbey.lut").exists());
    }

    /** Replaces earlier ROIs of this plugin in the overlay of the image (unless it appends); other elements stay. */
    public static void overlay(ImagePlus image, List<Roi> rois, boolean appends) {
        Overlay overlay = new Overlay();
        Overlay before = image.getOverlay();
        if (before != null) {
            for (Roi roi : before.toArray()) {
                if (appends || roi.getProperty(MODEL) == null) {
                    overlay.add(roi);
                }
            }
        }
        for (Roi roi : rois) {
            overlay.add((Roi) roi.clone());
        }
        image.setOverlay(overlay);
    }

    /**
     * Adds ROIs to the ROI Manager; needs a display. Without {@code appends} it first removes the ROIs that this
     * plugin found before in the same image, and only those. A name that the manager holds already, be it of another
     * image, is made another one there, as ImageJ would rename such ROIs when it saves them; elsewhere it stays.
     */
    public static void addToManager(ImagePlus image, List<Roi> rois, boolean appends) {
        RoiManager manager = RoiManager.getInstance2() == null ? RoiManager.getRoiManager() : RoiManager.getInstance2();
        if (!appends) {
            removeEarlier(manager, image);
        }
        Set<String> taken = new HashSet<>();
        for (Roi roi : manager.getRoisAsArray()) {
            taken.add(roi.getName());
        }
        for (Roi roi : rois) {
            Roi copy = (Roi) roi.clone();
            copy.setName(takeName(roi.getName(), taken));
            manager.add(copy, -1);
        }
    }

    /** Returns the name, or the name with a number if it is taken, and takes it. */
    static String takeName(String name, Set<String> taken) {
        String unique = name;
        for (int i = 2; !taken.add(unique); i++) {
            unique = name + "-" + i;
        }
        return unique;
    }

    /**
     * Returns the names in the overlay beside which new ROIs will lie, so that no name is given twice in an image. What
     * the ROI Manager holds does not count: the names in files must not depend on it.
     */
    public static Set<String> findNames(ImagePlus image, boolean appends) {
        Set<String> names = new HashSet<>();
        Overlay overlay = image.getOverlay();
        for (Roi roi : overlay == null ? new Roi[0] : overlay.toArray()) {
            if (appends || roi.getProperty(MODEL) == null) {
                names.add(roi.getName());
            }
        }
        return names;
    }

    private static boolean isOf(ImagePlus image, Roi roi) {
        return roi.getProperty(MODEL) != null && image.getTitle().equals(roi.getProperty(IMAGE));
    }

    private static void removeEarlier(RoiManager manager, ImagePlus image) {
        List<Roi> kept = new ArrayList<>();
        for (Roi roi : manager.getRoisAsArray()) {
            if (!isOf(image, roi)) {
                kept.add(roi);
            }
        }
        if (kept.size() == manager.getCount()) {
            return;
        }
        // All out and the others back in: removing 2,000 one by one takes seconds, and the manager's own "Delete"
        // would be recorded as a command of its own.
        manager.reset();
        for (Roi roi : kept) {
            manager.add(roi, -1);
        }
    }
}
