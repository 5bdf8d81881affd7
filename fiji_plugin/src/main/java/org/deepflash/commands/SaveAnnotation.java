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
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deepflash.client.JsonText;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;
import org.deepflash.records.PluginVersion;

/** {@code DFL Save Annotation...}: the ROIs of the current image under the name of an expert. */
public final class SaveAnnotation extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("expert", "class",
        "output_folder", "format", "allow_empty", "overwrite")));

    private static final String[] FORMATS = {"both", "mask", "rois"};
    private static final String PREFIX = "deepflash.";

    @Override
    void runWithDialog() throws IOException {
        ImagePlus image = Images.needCurrent();
        OptionText options = ask();
        Path existing = findExisting(image, options);
        if (existing != null && !options.has("overwrite")) {
            if (!Question.ask(existing + " exists already. Replace it?", "Replace", "Keep it")) {
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

    private static OptionText ask() {
        GenericDialog dialog = new GenericDialog("DFL Save Annotation");
        dialog.addStringField("Expert", Prefs.get(PREFIX + "expert", ""), 20);
        dialog.addStringField("Class", Prefs.get(PREFIX + "class", "roi"), 20);
        dialog.addDirectoryField("Output_folder", Prefs.get(PREFIX + "output", ""), 36);
        dialog.addChoice("Format", FORMATS, FORMATS[0]);
        dialog.addCheckbox("Allow_empty: there is nothing to see in this image", false);
        dialog.addCheckbox("Overwrite an earlier annotation", false);
        dialog.addMessage("Saves the ROIs of the ROI Manager, else of the overlay, as FOLDER/EXPERT/NAME.tif\n"
            + "and NAME_RoiSet.zip. DFL Train... takes FOLDER as its mask folder.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("expert", dialog.getNextString().trim())
            .with("class", dialog.getNextString().trim()).with("output_folder", dialog.getNextString().trim())
            .with("format", dialog.getNextChoice());
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

    private static Path findExisting(ImagePlus image, OptionText options) {
        for (Path file : Arrays.asList(Annotation.labelFile(folder(options), name(image)),
                Annotation.setFile(folder(options), name(image)))) {
            if (Files.exists(file)) {
                return file;
            }
        }
        return null;
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

    /** Writes annotation and facts; the properties of the ROIs stay as they are. */
    static String write(ImagePlus image, List<Roi> rois, OptionText options) throws IOException {
        String format = options.get("format", FORMATS[0]);
        Path existing = findExisting(image, options);
        if (existing != null) {
            Annotation.refuseExisting(existing, options.has("overwrite"));
        }
        Annotation annotation = Annotation.draw(rois, image, false);
        if (!format.equals("rois")) {
            annotation.saveLabels(folder(options), name(image));
        }
        // An empty set says nothing that the empty label image does not.
        if (!format.equals("mask") && !rois.isEmpty()) {
            annotation.saveRois(folder(options), name(image));
        }
        writeFacts(image, rois.size(), options);
        annotation.getWarnings().forEach(IJ::log);
        return rois.size() + " ROIs of " + options.need("expert") + " saved in " + folder(options) + ".";
    }

    private static void describe(Roi roi, OptionText options) {
        roi.setProperty("dfl.expert", options.need("expert"));
        roi.setProperty("dfl.class", options.get("class", "roi"));
    }

    private static void writeFacts(ImagePlus image, int count, OptionText options) throws IOException {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("image", Images.nameOf(image));
        facts.put("expert", options.need("expert"));
        facts.put("class", options.get("class", "roi"));
        facts.put("rois", count);
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
        AtomicFiles.write(folder(options).resolve(name(image) + ".json"),
            JsonText.write(facts).getBytes(StandardCharsets.UTF_8));
    }
}
