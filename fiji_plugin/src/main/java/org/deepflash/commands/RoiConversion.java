package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ByteProcessor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** ROI sets become label images, one file or under an expert's name; needs no service and no display. */
public final class RoiConversion {

    private static final Set<String> CONVERT_KEYS = keys("rois", "image", "width", "height", "output", "watershed",
        "overwrite");
    private static final Set<String> SAVE_KEYS = keys("rois", "image", "output", "expert", "name", "watershed",
        "overwrite");
    private static final Set<String> PAIR_KEYS = keys("images", "rois");
    private static final Set<String> FOLDER_KEYS = keys("images", "rois", "output", "expert", "watershed",
        "overwrite");

    private static final int KEPT = -1;

    private RoiConversion() {
    }

    private static Set<String> keys(String... names) {
        return Collections.unmodifiableSet(new HashSet<>(Arrays.asList(names)));
    }

    /**
     * Draws one ROI set into one label image: {@code rois=FILE output=FILE} with {@code image=FILE} or
     * {@code width=N height=N}, {@code [watershed] [overwrite]}.
     *
     * @return the number of ROIs
     */
    public static int convert(OptionText options) throws IOException {
        options.allowOnly(CONVERT_KEYS);
        List<Roi> rois = RoiFiles.read(Paths.get(options.need("rois")));
        Path output = Paths.get(options.need("output"));
        Annotation.refuseExisting(output, options.has("overwrite"));
        Annotation annotation = Annotation.draw(rois, sizedImage(options), options.has("watershed"));
        AtomicFiles.writeTiff(output, annotation.getLabelImage());
        annotation.getWarnings().forEach(IJ::log);
        return annotation.getRois().size();
    }

    private static ImagePlus sizedImage(OptionText options) {
        if (options.has("image")) {
            return Images.open(Paths.get(options.need("image")));
        }
        int width = options.getInt("width", 0);
        int height = options.getInt("height", 0);
        if (width <= 0 || height <= 0) {
            throw new InputException("The size of the image is not known. Add image=FILE, or width=N height=N.");
        }
        if ((long) width * height > Integer.MAX_VALUE) {
            throw new InputException("The size " + width + " x " + height + " is larger than any image of ImageJ (2"
                + " gigapixels). Give width and height of the image that the ROIs were drawn on.");
        }
        return new ImagePlus("image", new ByteProcessor(width, height));
    }

    /**
     * Saves the annotation of one image: {@code output=FOLDER expert=NAME [image=FILE] [rois=FILE] [name=STEM]
     * [watershed] [overwrite]}. Without {@code image} it is the current one; without {@code rois} the ROIs are
     * those of the ROI Manager, else of the overlay of the image.
     *
     * @return the number of ROIs
     */
    public static int saveAnnotation(OptionText options) throws IOException {
        options.allowOnly(SAVE_KEYS);
        Path folder = expertFolder(options);
        ImagePlus image = options.has("image") ? Images.open(Paths.get(options.need("image"))) : Images.needCurrent();
        List<Roi> rois = options.has("rois") ? RoiFiles.read(Paths.get(options.need("rois"))) : drawnRois(image);
        String name = plainName(options.get("name", RoiPairing.stem(Images.nameOf(image))), "name");
        return save(new AnnotationPlan(image, rois, folder.resolve(name), options.has("watershed")), options);
    }

    private static Path expertFolder(OptionText options) {
        return Paths.get(options.need("output")).resolve(plainName(options.need("expert"), "expert"));
    }

    private static int save(AnnotationPlan plan, OptionText options) throws IOException {
        plan.check(options.has("overwrite"));
        int count = plan.write("both");
        if (options.has("overwrite")) {
            plan.putLeftoverAside("both");
        }
        plan.getNotes().forEach(IJ::log);
        return count;
    }

    /**
     * Converts the ROI sets of a folder: {@code images=FOLDER rois=FOLDER output=FOLDER expert=NAME [watershed]
     * [overwrite]}. A bad file is told in the Log and does not stop the others; results that exist are kept.
     *
     * @return how many were converted, kept, left out and failed
     * @throws InputException if not a single result is there in the end
     */
    public static String convertFolders(OptionText options) {
        options.allowOnly(FOLDER_KEYS);
        for (String key : new String[] {"images", "rois", "output", "expert"}) {
            if (options.get(key, "").isEmpty()) {
                throw new InputException("The argument needs images=DIR rois=DIR output=DIR expert=NAME, but " + key
                    + " is missing.");
            }
        }
        Path folder = expertFolder(options);
        RoiPairing pairing = RoiPairing.find(Paths.get(options.need("images")), Paths.get(options.need("rois")));
        int done = 0;
        int kept = 0;
        int failed = 0;
        for (Map.Entry<Path, Path> pair : pairing.getPairs().entrySet()) {
            String title = pair.getKey().getFileName().toString();
            try {
                int count = convert(pair, folder.resolve(RoiPairing.stem(title)), options);
                if (count == KEPT) {
                    kept++;
                    continue;
                }
                IJ.log("DeepFLaSH: " + title + ", " + count + " ROIs of " + options.need("expert"));
                done++;
            } catch (IOException | RuntimeException error) {
                IJ.log("DeepFLaSH: failed. " + title + ": " + Failures.toSentence(error));
                failed++;
            }
        }
        pairing.getProblems().forEach(problem -> IJ.log("DeepFLaSH: left out. " + problem));
        String summary = done + " converted, " + kept + " kept, " + pairing.getProblems().size() + " left out, "
            + failed + " failed";
        if (done + kept == 0) {
            throw new InputException("No ROI set was converted (" + summary
                + "). The Log names each file and the reason.");
        }
        return summary;
    }

    /** Returns the number of ROIs, or KEPT where an earlier result, in a stack of any plane, is to stay. */
    private static int convert(Map.Entry<Path, Path> pair, Path target, OptionText options) throws IOException {
        Path plain = Annotation.labelFile(target.getParent(), target.getFileName().toString());
        // Looked at before the image is opened: with many images that are done, this is what takes time.
        Path existing = options.has("overwrite") || !Files.exists(plain) ? null : plain;
        AnnotationPlan plan = existing == null ? new AnnotationPlan(Images.open(pair.getKey()),
            RoiFiles.read(pair.getValue()), target, options.has("watershed")) : null;
        if (existing == null && !options.has("overwrite")) {
            existing = plan.findExisting();
        }
        if (existing != null) {
            IJ.log("DeepFLaSH: kept. " + existing + " exists already; add overwrite to replace it.");
            return KEPT;
        }
        return save(plan, options);
    }

    private static List<Roi> drawnRois(ImagePlus image) {
        List<Roi> rois = DrawnRois.find(image);
        if (rois.isEmpty()) {
            throw DrawnRois.missing(image);
        }
        return rois;
    }

    /**
     * Pairs images and ROI sets by name: {@code images=FOLDER rois=FOLDER}.
     *
     * @return one line per file: {@code pair TAB image TAB rois}, or {@code problem TAB sentence}
     */
    public static String pair(OptionText options) {
        options.allowOnly(PAIR_KEYS);
        RoiPairing pairing = RoiPairing.find(Paths.get(options.need("images")), Paths.get(options.need("rois")));
        StringBuilder lines = new StringBuilder();
        for (Map.Entry<Path, Path> pair : pairing.getPairs().entrySet()) {
            lines.append("pair\t").append(pair.getKey()).append('\t').append(pair.getValue()).append('\n');
        }
        pairing.getProblems().forEach(problem -> lines.append("problem\t").append(problem).append('\n'));
        return lines.toString();
    }

    static String plainName(String text, String what) {
        boolean isUnsafe = text.matches(".*[/\\\\:*?\"<>|\\p{Cntrl}].*") || text.startsWith(".") || text.endsWith(".");
        if (isUnsafe) {
            throw new InputException(text + " cannot be used as " + what
                + ", because it becomes a file name. Use letters, digits, - and _.");
        }
        return text;
    }
}
