package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.fiji.AnnotatedPlane;
import org.deepflash.fiji.Annotation;

/** What saving the ROIs of an image writes, plane by plane: planned and checked before the first file changes. */
final class AnnotationPlan {

    /** Folder, beside the annotations, of those that were replaced by nothing; no training looks there. */
    static final String REMOVED = ".removed";

    private final ImagePlus image;
    private final Path folder;
    private final String name;
    private final boolean splitsTouching;
    private final List<String> notes = new ArrayList<>();
    private final List<AnnotatedPlane> planes;

    /**
     * @param target folder of the expert and name of the image without ending
     * @param splitsTouching whether ROIs are split at their necks by a watershed
     */
    AnnotationPlan(ImagePlus image, List<Roi> rois, Path target, boolean splitsTouching) {
        this.image = image;
        this.folder = target.getParent();
        this.name = target.getFileName().toString();
        this.splitsTouching = splitsTouching;
        this.planes = AnnotatedPlane.divide(rois, image, notes);
    }

    List<AnnotatedPlane> getPlanes() {
        return planes;
    }

    String nameOf(AnnotatedPlane plane) {
        return name + plane.getSuffix();
    }

    /** Returns the first file of these planes that is there already, or null. */
    Path findExisting() {
        for (AnnotatedPlane plane : planes) {
            for (Path file : Arrays.asList(Annotation.labelFile(folder, nameOf(plane)),
                    Annotation.setFile(folder, nameOf(plane)))) {
                if (Files.exists(file)) {
                    return file;
                }
            }
        }
        return null;
    }

    /** Refuses what cannot be drawn or must not be replaced; nothing is written. */
    void check(boolean replaces) {
        Path existing = findExisting();
        if (existing != null) {
            Annotation.refuseExisting(existing, replaces);
        }
        planes.forEach(this::draw);
    }

    private Annotation draw(AnnotatedPlane plane) {
        return Annotation.draw(plane.getRois(), image, splitsTouching);
    }

    /**
     * Writes label images and ROI sets.
     *
     * @param format {@code mask}, {@code rois} or {@code both}
     * @return the number of ROIs
     */
    int write(String format) throws IOException {
        int count = 0;
        for (AnnotatedPlane plane : planes) {
            Annotation annotation = draw(plane);
            if (!format.equals("rois")) {
                annotation.saveLabels(folder, nameOf(plane));
            }
            // An empty set says nothing that the empty label image does not.
            if (!format.equals("mask") && !annotation.getRois().isEmpty()) {
                annotation.saveRois(folder, nameOf(plane));
            }
            notes.addAll(annotation.getWarnings());
            count += annotation.getRois().size();
        }
        return count;
    }

    /** Returns the earlier annotations of planes that have no ROI any more; empty for an image that is no stack. */
    List<String> findLeftover() {
        Set<String> kept = new HashSet<>();
        planes.forEach(plane -> kept.add(plane.getSuffix()));
        List<String> left = new ArrayList<>();
        for (String suffix : AnnotatedPlane.list(image).keySet()) {
            boolean isThere = Files.exists(Annotation.labelFile(folder, name + suffix))
                || Files.exists(Annotation.setFile(folder, name + suffix));
            if (isThere && !kept.contains(suffix)) {
                left.add(name + suffix);
            }
        }
        return left;
    }

    /** Puts aside what an overwritten annotation leaves behind: planes without ROI, files that were not written anew. */
    void putLeftoverAside(String format) throws IOException {
        List<String> left = findLeftover();
        for (String plane : left) {
            putAside(Annotation.labelFile(folder, plane));
            putAside(Annotation.setFile(folder, plane));
            putAside(folder.resolve(plane + ".json"));
        }
        if (!left.isEmpty()) {
            notes.add("DeepFLaSH: no ROI lies any more on " + String.join(", ", left) + "; the earlier annotation was moved"
                + " to " + folder.resolve(REMOVED) + ".");
        }
        for (AnnotatedPlane plane : planes) {
            if (format.equals("mask") || plane.getRois().isEmpty()) {
                putAside(Annotation.setFile(folder, nameOf(plane)));
            }
            if (format.equals("rois")) {
                putAside(Annotation.labelFile(folder, nameOf(plane)));
            }
        }
    }

    private static void putAside(Path file) throws IOException {
        if (Files.exists(file)) {
            Path aside = file.resolveSibling(REMOVED);
            Files.createDirectories(aside);
            Files.move(file, aside.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Returns what the person should know. */
    List<String> getNotes() {
        return Collections.unmodifiableList(notes);
    }
}
