package org.deepflash.commands;

import ij.ImagePlus;
import ij.ImageStack;
import ij.WindowManager;
import ij.gui.Roi;
import ij.plugin.frame.RoiManager;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deepflash.fiji.AnnotatedPlane;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AnnotationQueue;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** Leads an expert through a folder; what is drawn is kept as a draft until it is saved, whatever happens to Fiji. */
final class AnnotationSession {

    /** Property of an image that is annotated blind: the seed of the order. */
    static final String SEED = "dfl.seed";

    /** Property of a ROI: its class. */
    static final String CLASS = "dfl.class";

    private AnnotationSession() {
    }

    static AnnotationQueue queue() {
        return AnnotationQueue.read(AnnotationSettings.getImages(), AnnotationSettings.getAnnotations(),
            AnnotationSettings.getSeed());
    }

    /** Begins, or goes on where the expert stopped: at what is not saved yet, else the first image not annotated. */
    static String start(OptionText options) throws IOException {
        leave(WindowManager.getCurrentImage());
        AnnotationSettings.store(options);
        DrawnRois.setAside();
        Path draft = queue().findDraft();
        return show(draft == null ? queue().findNext(null) : draft);
    }

    static String next() throws IOException {
        ImagePlus image = Images.needCurrent();
        Path next = queue().findNext(fileOf(image));
        return next == null ? show(null) : move(image, next);
    }

    static String previous() throws IOException {
        ImagePlus image = Images.needCurrent();
        Path previous = queue().findPrevious(fileOf(image));
        if (previous == null) {
            throw new InputException("This is the first image of the session.");
        }
        return move(image, previous);
    }

    private static String move(ImagePlus image, Path file) throws IOException {
        leave(image);
        return show(file);
    }

    /** Returns the file of an image, also of one that the person opened. */
    static Path fileOf(ImagePlus image) {
        String file = image.getProp(Images.FILE);
        if (file == null && image.getOriginalFileInfo() != null) {
            String folder = image.getOriginalFileInfo().directory;
            file = folder == null ? null : folder + image.getOriginalFileInfo().fileName;
        }
        if (file == null) {
            throw new InputException(image.getTitle() + " lies in no folder yet. Choose Start session, or save it as a"
                + " TIFF first.");
        }
        return Paths.get(file).toAbsolutePath().normalize();
    }

    /** Closes an image of the session after keeping what is drawn on it; an image of the person stays open. */
    private static void leave(ImagePlus image) throws IOException {
        if (image == null || image.getProp(Images.FILE) == null) {
            return;
        }
        keep(image);
        DrawnRois.replace(image, Collections.<Roi>emptyList());
        image.changes = false;
        image.close();
    }

    private static String show(Path file) {
        AnnotationQueue queue = queue();
        int count = queue.getOrder().size();
        if (file == null) {
            return "All " + count + " images are annotated by " + AnnotationSettings.getExpert()
                + ", but perhaps the current one.";
        }
        ImagePlus image = Images.open(file);
        image.setProp(Images.FILE, file.toString());
        AnnotationSettings.sign(image);
        String place = "Image " + (queue.getOrder().indexOf(file) + 1) + " of " + count;
        if (AnnotationSettings.getSeed() != null) {
            hideName(image, place);
        }
        if (!GraphicsEnvironment.isHeadless()) {
            image.show();
        } else {
            WindowManager.setTempCurrentImage(image);
        }
        int restored = restore(image, file);
        return place + ", " + queue.countDone() + " done" + (restored > 0 ? ", " + restored + " ROIs restored" : "");
    }

    private static void hideName(ImagePlus image, String title) {
        image.setTitle(title);
        image.setProp(SEED, AnnotationSettings.getSeed().toString());
        // The label of a slice stands above the image, and is often the name of its file.
        image.setProp("Slice_Label", null);
        ImageStack stack = image.getStack();
        for (int slice = 1; slice <= stack.size() && image.getStackSize() > 1; slice++) {
            stack.setSliceLabel(null, slice);
        }
    }

    static int restore(ImagePlus image, Path file) {
        Path draft = AnnotationQueue.draftFile(AnnotationSettings.getAnnotations(image), file);
        List<Roi> rois = Files.exists(draft) ? readSet(draft) : readSaved(image);
        if (!rois.isEmpty()) {
            DrawnRois.replace(image, rois);
            showAll();
        }
        return rois.size();
    }

    /** An annotation without ROIs has no ROI set, and a draft of which all were removed is empty. */
    private static List<Roi> readSet(Path file) {
        try {
            return Files.exists(file) ? RoiFiles.readZip(Files.readAllBytes(file)) : new ArrayList<>();
        } catch (IOException error) {
            throw new InputException(file + " cannot be read (" + error.getMessage() + "). Move it away, then go on.");
        }
    }

    private static List<Roi> readSaved(ImagePlus image) {
        List<Roi> rois = new ArrayList<>();
        for (AnnotatedPlane plane : AnnotatedPlane.list(image).values()) {
            List<Roi> saved = readSet(savedSet(image, plane));
            plane.place(saved);
            rois.addAll(saved);
        }
        return rois;
    }

    private static Path savedSet(ImagePlus image, AnnotatedPlane plane) {
        String stem = RoiPairing.stem(fileOf(image).getFileName().toString());
        return Annotation.setFile(AnnotationSettings.getAnnotations(image), stem + plane.getSuffix());
    }

    /** Returns the ROIs that are drawn, if they are not the saved ones. */
    static List<Roi> findUnsaved(ImagePlus image) {
        List<Roi> rois = DrawnRois.find(image);
        return isSaved(image, rois) ? Collections.<Roi>emptyList() : rois;
    }

    /** Compares plane by plane, as they are saved; ROIs that lie on no plane of the image cannot be saved. */
    private static boolean isSaved(ImagePlus image, List<Roi> rois) {
        Map<String, List<Roi>> drawn = new HashMap<>();
        try {
            AnnotatedPlane.divide(rois, image, new ArrayList<>()).forEach(plane -> drawn.put(plane.getSuffix(),
                plane.getRois()));
        } catch (InputException error) {
            return false;
        }
        return AnnotatedPlane.list(image).entrySet().stream().allMatch(plane -> isSame(
            drawn.getOrDefault(plane.getKey(), Collections.emptyList()), readSet(savedSet(image, plane.getValue()))));
    }

    private static boolean isSame(List<Roi> rois, List<Roi> saved) {
        boolean isSame = rois.size() == saved.size();
        for (int i = 0; isSame && i < saved.size(); i++) {
            isSame = rois.get(i).equals(saved.get(i)) && Objects.equals(rois.get(i).getName(), saved.get(i).getName())
                && Objects.equals(rois.get(i).getProperty(CLASS), saved.get(i).getProperty(CLASS));
        }
        return isSame;
    }

    /** Writes the draft, or removes it if everything is saved. */
    static void keep(ImagePlus image) throws IOException {
        Path draft = AnnotationQueue.draftFile(AnnotationSettings.getAnnotations(image), fileOf(image));
        List<Roi> rois = DrawnRois.find(image);
        if (isSaved(image, rois)) {
            Files.deleteIfExists(draft);
        } else {
            RoiFiles.write(draft, rois);
        }
    }

    static void showAll() {
        RoiManager manager = GraphicsEnvironment.isHeadless() ? null : RoiManager.getInstance2();
        if (manager != null) {
            manager.runCommand("show all");
        }
    }
}
