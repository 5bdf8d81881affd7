package org.deepflash.commands;

import ij.ImagePlus;
import ij.Prefs;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deepflash.fiji.Groups;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** Who annotates what, kept by ImageJ from one session to the next. */
final class AnnotationSettings {

    private static final String PREFIX = "deepflash.";
    private static final String EXPERT = "dfl.expert";
    private static final String OUTPUT = "dfl.output";
    private static final String[] STORED = {"expert", "class", "output", "images", "colour_by", "seed"};
    private static final String[] COLOURINGS = {"class", "expert"};

    private AnnotationSettings() {
    }

    /**
     * Keeps what the options name; the rest stays as it was, but for {@code blind} and {@code planes}.
     *
     * @throws InputException if a value cannot be used
     */
    static void store(OptionText options) {
        RoiConversion.plainName(options.need("expert"), "expert");
        if (!Arrays.asList(COLOURINGS).contains(options.get("colour_by", COLOURINGS[0]))) {
            throw new InputException("colour_by=" + options.get("colour_by", "") + " is not known. Choose class or"
                + " expert.");
        }
        options.getInt("seed", 0);
        for (String key : STORED) {
            if (options.has(key) || options.get(key, "").equals("0")) {
                Prefs.set(PREFIX + key, options.get(key, ""));
            }
        }
        Prefs.set(PREFIX + "blind", options.has("blind"));
        Prefs.set(PREFIX + "session_planes", options.get("planes", ""));
        Groups.ofExpert(getExpert());
        Groups.ofClass(getClassName());
    }

    static void storeClass(String name) {
        Prefs.set(PREFIX + "class", name);
    }

    static String getExpert() {
        return RoiConversion.plainName(need("expert"), "expert");
    }

    /** Returns who annotates the image: who was set up when it was opened. */
    static String getExpert(ImagePlus image) {
        return image.getProp(EXPERT) == null ? getExpert() : image.getProp(EXPERT);
    }

    static String getOutput(ImagePlus image) {
        return image.getProp(OUTPUT) == null ? getOutput() : image.getProp(OUTPUT);
    }

    /** Returns the folder of the annotations of the image. */
    static Path getAnnotations(ImagePlus image) {
        return Paths.get(getOutput(image)).resolve(getExpert(image));
    }

    /** Keeps in the image who annotates it. */
    static void sign(ImagePlus image) {
        image.setProp(EXPERT, getExpert());
        image.setProp(OUTPUT, getOutput());
    }

    static String getClassName() {
        return Prefs.get(PREFIX + "class", "roi");
    }

    static Path getImages() {
        return Paths.get(need("images"));
    }

    static String getOutput() {
        return need("output");
    }

    /** Returns the folder of this expert's annotations. */
    static Path getAnnotations() {
        return Paths.get(getOutput()).resolve(getExpert());
    }

    /** Returns the seed of the order, or null if the session is not blind. */
    static Long getSeed() {
        return Prefs.get(PREFIX + "blind", false) ? Long.valueOf(Prefs.get(PREFIX + "seed", "0")) : null;
    }

    /** Returns where the annotated planes of stacks are saved as images; empty = nowhere. */
    static String getPlanes() {
        return Prefs.get(PREFIX + "session_planes", "");
    }

    private static String need(String key) {
        String value = Prefs.get(PREFIX + key, "");
        if (value.isEmpty()) {
            throw new InputException("No annotation session is set up: " + key + " is not known. Choose Start session"
                + " of the tool set DeepFLaSH Annotation.");
        }
        return value;
    }

    /** Returns the number, from 1, of the class or the expert that ROIs are coloured by. */
    static int getGroup(String className) {
        boolean isByExpert = Prefs.get(PREFIX + "colour_by", COLOURINGS[0]).equals(COLOURINGS[1]);
        return isByExpert ? Groups.ofExpert(getExpert()) : Groups.ofClass(className);
    }
}
