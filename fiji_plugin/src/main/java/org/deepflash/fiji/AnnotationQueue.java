package org.deepflash.fiji;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.deepflash.records.InputException;

/** The images of a folder in the order in which an expert annotates them, and how far that expert is. */
public final class AnnotationQueue {

    private static final String DRAFTS = ".drafts";

    private final List<Path> order;
    private final Path annotations;

    private AnnotationQueue(List<Path> order, Path annotations) {
        this.order = Collections.unmodifiableList(order);
        this.annotations = annotations;
    }

    /**
     * Reads the folder.
     *
     * @param images folder of the images; of one stem only the first counts, because both would be one annotation
     * @param annotations folder of this expert's annotations, which need not exist
     * @param seed of the order, the same on every computer; null = by name
     * @throws InputException if the folder is missing or holds no image
     */
    public static AnnotationQueue read(Path images, Path annotations, Long seed) {
        List<Path> order = new ArrayList<>();
        List<String> stems = new ArrayList<>();
        for (Path image : RoiPairing.listImages(images.toAbsolutePath().normalize())) {
            String stem = stem(image);
            if (!stems.contains(stem)) {
                stems.add(stem);
                order.add(image);
            }
        }
        if (order.isEmpty()) {
            throw new InputException("There is no image in " + images + ". Name the folder that holds the images.");
        }
        if (seed != null) {
            Collections.shuffle(order, new Random(seed));
        }
        return new AnnotationQueue(order, annotations);
    }

    private static String stem(Path image) {
        return RoiPairing.stem(image.getFileName().toString());
    }

    /** Returns the images in their order. */
    public List<Path> getOrder() {
        return order;
    }

    /** Returns how many images are annotated. */
    public int countDone() {
        return (int) order.stream().filter(this::isDone).count();
    }

    /** Tells whether the expert saved an annotation of the image. */
    public boolean isDone(Path image) {
        boolean isWhole = Files.exists(Annotation.labelFile(annotations, stem(image)))
            || Files.exists(Annotation.setFile(annotations, stem(image)));
        return isWhole || hasPlane(stem(image));
    }

    private boolean hasPlane(String stem) {
        String[] names = annotations.toFile().list();
        return names != null && Arrays.stream(names).anyMatch(name -> AnnotatedPlane.isNamed(RoiPairing.stem(name), stem)
            && !name.endsWith(".json") && !isOfAnother(name));
    }

    /** Tells whether an annotation is that of an image whose own name is like that of a plane. */
    private boolean isOfAnother(String annotation) {
        String stem = RoiPairing.stem(annotation).replaceFirst("_RoiSet$", "");
        return order.stream().anyMatch(image -> stem(image).equals(stem));
    }

    /** Returns the next image without annotation, from the start again at the end; null if there is no other. */
    public Path findNext(Path current) {
        int start = order.indexOf(current);
        for (int i = 1; i <= order.size(); i++) {
            Path image = order.get(Math.floorMod(start + i, order.size()));
            if (!image.equals(current) && !isDone(image)) {
                return image;
            }
        }
        return null;
    }

    /** Returns the image before, done or not; null for the first one. */
    public Path findPrevious(Path current) {
        int place = order.indexOf(current);
        return place > 0 ? order.get(place - 1) : null;
    }

    /** Returns the image that the expert worked at last without saving, null if there is none. */
    public Path findDraft() {
        Path newest = null;
        for (Path image : order) {
            long time = draftFile(annotations, image).toFile().lastModified();
            if (time > (newest == null ? 0 : draftFile(annotations, newest).toFile().lastModified())) {
                newest = image;
            }
        }
        return newest;
    }

    /** Returns where the ROIs of an image are kept until they are saved; no training looks there. */
    public static Path draftFile(Path annotations, Path image) {
        return Annotation.setFile(annotations.resolve(DRAFTS), stem(image));
    }
}
