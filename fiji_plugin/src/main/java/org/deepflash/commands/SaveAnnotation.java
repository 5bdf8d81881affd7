package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deepflash.client.JsonText;
import org.deepflash.fiji.AnnotatedPlane;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;
import org.deepflash.records.PluginVersion;

/** {@code DFL Save Annotation...}: the ROIs of the current image under the name of an expert. */
public final class SaveAnnotation extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("expert", "class",
        "output_folder", "image_folder", "format", "allow_empty", "overwrite")));

    private static final String[] FORMATS = {"both", "mask", "rois"};
    private static final String PREFIX = "deepflash.";
    private static final String STACK = "\nEach annotated plane of a stack is saved for itself, as NAME-t001-z003.tif."
        + "\nImage folder: gets these planes as images, to train on; empty = not saved.";

    @Override
    void runWithDialog() throws IOException {
        ImagePlus image = Images.needCurrent();
        OptionText options = ask(image);
        AnnotationPlan plan = plan(image, DrawnRois.find(image), options);
        Path existing = plan.findExisting();
        if (existing != null && !options.has("overwrite")) {
            List<String> left = plan.findLeftover();
            String others = left.isEmpty() ? "" : " No ROI lies on " + String.join(", ", left)
                + " any more: this earlier annotation is moved aside.";
            if (!Question.ask(existing + " exists already. Replace it?" + others, "Replace", "Keep it")) {
                throw Failures.cancel();
            }
            options = options.with("overwrite", "true");
        }
        IJ.showStatus("DeepFLaSH: " + save(image, options));
    }

    @Override
    void runWith(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        IJ.log("DeepFLaSH: " + save(Images.needCurrent(), options));
    }

    private static OptionText ask(ImagePlus image) {
        boolean isStack = image.getNSlices() > 1 || image.getNFrames() > 1;
        GenericDialog dialog = new GenericDialog("DFL Save Annotation");
        dialog.addStringField("Expert", Prefs.get(PREFIX + "expert", ""), 20);
        dialog.addStringField("Class", Prefs.get(PREFIX + "class", "roi"), 20);
        dialog.addDirectoryField("Output_folder", Prefs.get(PREFIX + "output", ""), 36);
        if (isStack) {
            dialog.addDirectoryField("Image_folder", Prefs.get(PREFIX + "planes", ""), 36);
        }
        dialog.addChoice("Format", FORMATS, FORMATS[0]);
        dialog.addCheckbox("Allow_empty: there is nothing to see in this image", false);
        dialog.addCheckbox("Overwrite an earlier annotation", false);
        dialog.addMessage("Saves the ROIs of the ROI Manager, else of the overlay, as FOLDER/EXPERT/NAME.tif\n"
            + "and NAME_RoiSet.zip. DFL Train... takes FOLDER as its mask folder." + (isStack ? STACK : ""));
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("expert", dialog.getNextString().trim())
            .with("class", dialog.getNextString().trim()).with("output_folder", dialog.getNextString().trim());
        if (isStack) {
            options = options.with("image_folder", dialog.getNextString().trim());
            Prefs.set(PREFIX + "planes", options.get("image_folder", ""));
        }
        options = options.with("format", dialog.getNextChoice());
        options = dialog.getNextBoolean() ? options.with("allow_empty", "true") : options;
        options = dialog.getNextBoolean() ? options.with("overwrite", "true") : options;
        Prefs.set(PREFIX + "expert", options.need("expert"));
        Prefs.set(PREFIX + "class", options.get("class", "roi"));
        Prefs.set(PREFIX + "output", options.need("output_folder"));
        return options;
    }

    private static Path folder(OptionText options) {
        return Paths.get(options.need("output_folder")).resolve(RoiConversion.plainName(options.need("expert"), "expert"));
    }

    private static String name(ImagePlus image) {
        return RoiConversion.plainName(RoiPairing.stem(Images.nameOf(image)), "name");
    }

    private static String name(ImagePlus image, AnnotatedPlane plane) {
        return name(image) + plane.getSuffix();
    }

    private static AnnotationPlan plan(ImagePlus image, List<Roi> rois, OptionText options) {
        return new AnnotationPlan(image, rois, folder(options).resolve(name(image)), false);
    }

    private static String save(ImagePlus image, OptionText options) throws IOException {
        String format = options.get("format", FORMATS[0]);
        if (!Arrays.asList(FORMATS).contains(format)) {
            throw new InputException("format=" + format + " is not known. Choose one of " + String.join(", ", FORMATS)
                + ".");
        }
        List<Roi> rois = DrawnRois.find(image);
        if (rois.isEmpty() && !options.has("allow_empty")) {
            throw DrawnRois.missing(image);
        }
        rois.forEach(roi -> describe(roi, options));
        return write(image, rois, options);
    }

    /** Writes annotation and facts, plane by plane; the properties of the ROIs stay as they are. */
    static String write(ImagePlus image, List<Roi> rois, OptionText options) throws IOException {
        AnnotationPlan plan = plan(image, rois, options);
        List<AnnotatedPlane> planes = plan.getPlanes();
        String format = options.get("format", FORMATS[0]);
        // All or nothing: what cannot be drawn or must not be replaced is refused before the first file is written.
        plan.check(options.has("overwrite"));
        for (AnnotatedPlane plane : planes) {
            savePlane(image, plane, options, false);
        }
        for (AnnotatedPlane plane : planes) {
            savePlane(image, plane, options, true);
        }
        plan.write(format);
        for (AnnotatedPlane plane : planes) {
            writeFacts(image, plane, options);
        }
        if (options.has("overwrite")) {
            plan.putLeftoverAside(format);
        }
        plan.getNotes().forEach(IJ::log);
        String where = image.getNSlices() * image.getNFrames() == 1 ? "" : " on " + planes.size() + " plane"
            + (planes.size() == 1 ? "" : "s");
        return rois.size() + " ROIs of " + options.need("expert") + where + " saved in " + folder(options) + ".";
    }

    /** Writes the plane as an image, if that is wanted; one that is there already stays. */
    private static void savePlane(ImagePlus image, AnnotatedPlane plane, OptionText options, boolean writes)
            throws IOException {
        String folder = options.get("image_folder", "");
        if (folder.isEmpty()) {
            return;
        }
        Path file = Paths.get(folder).resolve(name(image, plane) + ".tif");
        byte[] bytes = plane.encode();
        boolean isThere = Files.exists(file) && AnnotatedPlane.isSame(Images.open(file), bytes);
        if (!isThere && Files.exists(file) && !options.has("overwrite")) {
            throw new InputException(file + " exists already with other pixels or another pixel size, and was kept."
                + " Choose another image folder, or add overwrite if it is to be replaced by this plane.");
        }
        if (!isThere && writes) {
            AtomicFiles.write(file, bytes);
        }
    }

    private static void describe(Roi roi, OptionText options) {
        roi.setProperty("dfl.expert", options.need("expert"));
        roi.setProperty("dfl.class", options.get("class", "roi"));
    }

    private static void writeFacts(ImagePlus image, AnnotatedPlane plane, OptionText options) throws IOException {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("image", Images.nameOf(image));
        facts.put("expert", options.need("expert"));
        facts.put("class", options.get("class", "roi"));
        facts.put("rois", plane.getRois().size());
        if (image.getNSlices() * image.getNFrames() > 1) {
            facts.put("slice", plane.getSlice());
            facts.put("frame", plane.getFrame());
        }
        if (image.getProp(AnnotationSession.SEED) != null) {
            facts.put("blind_seed", image.getProp(AnnotationSession.SEED));
        }
        facts.put("width", image.getWidth());
        facts.put("height", image.getHeight());
        facts.put("pixel_width", image.getCalibration().pixelWidth);
        facts.put("pixel_height", image.getCalibration().pixelHeight);
        facts.put("unit", image.getCalibration().getUnit());
        facts.put("saved", OffsetDateTime.now().truncatedTo(ChronoUnit.SECONDS).toString());
        facts.put("plugin", PluginVersion.get());
        AtomicFiles.write(folder(options).resolve(name(image, plane) + ".json"),
            JsonText.write(facts).getBytes(StandardCharsets.UTF_8));
    }
}
