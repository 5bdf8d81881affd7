package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.gui.Toolbar;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.fiji.RoiPainter;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/**
 * The steps of an annotation session that the tool set calls.
 *
 * <p>{@code action=start images=DIR output=DIR expert=NAME [class=NAME] [colour_by=class|expert] [blind] [seed=N]
 * [planes=DIR]} ({@code planes} gets the annotated planes of stacks as images, to train on),
 * {@code next}, {@code previous}, {@code add}, {@code undo}, {@code class} ({@code class=NAME} for what is drawn from
 * now on; with {@code x=N y=N} for the ROI there), {@code delete} ({@code x=N y=N}), {@code save} ({@code overwrite},
 * {@code allow_empty}), {@code unsaved}, {@code brush} ({@code size=N}). Each step that draws keeps a draft.
 */
public final class AnnotationActions {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("action", "images", "output",
        "expert", "class", "colour_by", "blind", "seed", "planes", "x", "y", "size", "overwrite", "allow_empty")));

    private static final int DEEPEST = 100;
    private static final Deque<List<Roi>> BEFORE = new ArrayDeque<>();
    /** Number of the image whose steps can be undone. */
    private static int imageId;

    private AnnotationActions() {
    }

    /** Does one step and returns what came of it. */
    public static String act(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        switch (options.need("action")) {
            case "start":
                return AnnotationSession.start(options);
            case "next":
                return AnnotationSession.next();
            case "previous":
                return AnnotationSession.previous();
            case "add":
                return add(Images.needCurrent());
            case "undo":
                return undo(Images.needCurrent());
            case "class":
                return setClass(options);
            case "delete":
                return delete(options);
            case "save":
                return save(Images.needCurrent(), options);
            case "unsaved":
                return Integer.toString(AnnotationSession.findUnsaved(Images.needCurrent()).size());
            case "brush":
                Toolbar.setBrushSize(options.getInt("size", 15));
                return Integer.toString(Toolbar.getBrushSize());
            default:
                throw new InputException("action=" + options.need("action") + " is not known. Choose start, next,"
                    + " previous, add, undo, class, delete, save, unsaved or brush.");
        }
    }

    private static String add(ImagePlus image) throws IOException {
        Roi drawn = image.getRoi();
        if (drawn == null) {
            throw new InputException("Nothing is outlined. Draw around an object first.");
        }
        if (!drawn.isArea()) {
            throw new InputException("Lines and points enclose no area. Outline the object.");
        }
        Roi roi = (Roi) drawn.clone();
        List<Roi> rois = DrawnRois.find(image);
        roi.setName(freeName(AnnotationSettings.getClassName(), rois));
        roi.setProperty("dfl.expert", AnnotationSettings.getExpert(image));
        if (image.getStackSize() > 1) {
            roi.setPosition(image);
        }
        mark(roi, AnnotationSettings.getClassName());
        remember(image, rois);
        rois.add(roi);
        image.deleteRoi();
        return change(image, rois);
    }

    private static void mark(Roi roi, String className) {
        roi.setProperty(AnnotationSession.CLASS, className);
        RoiPainter.paint(roi, AnnotationSettings.getGroup(className));
    }

    private static String freeName(String className, List<Roi> rois) {
        Set<String> names = new HashSet<>();
        rois.forEach(roi -> names.add(roi.getName()));
        int number = rois.size() + 1;
        while (names.contains(String.format("%s-%04d", className, number))) {
            number++;
        }
        return String.format("%s-%04d", className, number);
    }

    private static String undo(ImagePlus image) throws IOException {
        if (BEFORE.isEmpty() || image.getID() != imageId) {
            throw new InputException("There is nothing to undo in this image.");
        }
        return change(image, BEFORE.pop());
    }

    private static String setClass(OptionText options) throws IOException {
        String name = options.get("class", AnnotationSettings.getClassName());
        if (options.get("x", "").isEmpty()) {
            AnnotationSettings.storeClass(name);
            return name;
        }
        ImagePlus image = Images.needCurrent();
        List<Roi> rois = DrawnRois.find(image);
        int index = findAt(rois, options);
        remember(image, rois);
        Roi changed = (Roi) rois.get(index).clone();
        mark(changed, name);
        rois.set(index, changed);
        return change(image, rois);
    }

    private static String delete(OptionText options) throws IOException {
        ImagePlus image = Images.needCurrent();
        List<Roi> rois = DrawnRois.find(image);
        int index = findAt(rois, options);
        remember(image, rois);
        rois.remove(index);
        return change(image, rois);
    }

    private static int findAt(List<Roi> rois, OptionText options) {
        int x = options.getInt("x", 0);
        int y = options.getInt("y", 0);
        for (int i = rois.size() - 1; i >= 0; i--) {
            if (rois.get(i).contains(x, y)) {
                return i;
            }
        }
        throw new InputException("There is no ROI at " + x + ", " + y + ". Click into one.");
    }

    private static void remember(ImagePlus image, List<Roi> rois) {
        if (image.getID() != imageId) {
            BEFORE.clear();
            imageId = image.getID();
        }
        BEFORE.push(new ArrayList<>(rois));
        if (BEFORE.size() > DEEPEST) {
            BEFORE.removeLast();
        }
    }

    private static String change(ImagePlus image, List<Roi> rois) throws IOException {
        DrawnRois.replace(image, rois);
        AnnotationSession.showAll();
        AnnotationSession.keep(image);
        return rois.size() + " ROIs";
    }

    private static String save(ImagePlus image, OptionText options) throws IOException {
        List<Roi> rois = DrawnRois.find(image);
        if (rois.isEmpty() && !options.has("allow_empty")) {
            throw DrawnRois.missing(image);
        }
        OptionText place = OptionText.parse("").with("expert", AnnotationSettings.getExpert(image))
            .with("output_folder", AnnotationSettings.getOutput(image)).with("class", AnnotationSettings.getClassName());
        boolean isStack = image.getNSlices() > 1 || image.getNFrames() > 1;
        if (isStack) {
            place = place.with("image_folder", AnnotationSettings.getPlanes());
        }
        SaveAnnotation.write(image, rois, options.has("overwrite") ? place.with("overwrite", "true") : place);
        AnnotationSession.keep(image);
        return rois.size() + " ROIs of " + AnnotationSettings.getExpert(image) + " saved";
    }
}
