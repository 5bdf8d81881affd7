package org.deepflash.records;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the user chose for one training: the keys of {@code DFL Train...}. */
public final class TrainSettings {

    /** The macro keys; those of the service have its names. */
    public static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        "model", "base", "image_folder", "mask_folders", "preset", "epochs", "consensus", "min_roi_size", "channel",
        "folds", "compare", "seed", "wait", "output_folder")));
    /** How thorough a training is. */
    public static final List<String> PRESETS = Collections.unmodifiableList(Arrays.asList("quick", "standard", "best"));
    /** How several experts become one target. */
    public static final List<String> CONSENSUS = Collections.unmodifiableList(Arrays.asList("auto", "staple",
        "majority", "union", "intersection", "objects", "each"));
    /** Word for a network that has learned nothing yet. */
    public static final String NEW = "new";

    private final OptionText options;

    private TrainSettings(OptionText options) {
        this.options = options;
        options.need("model");
        options.need("image_folder");
        options.need("mask_folders");
        checkWord("preset", "standard", PRESETS);
        checkWord("consensus", "auto", CONSENSUS);
        for (String key : new String[] {"epochs", "min_roi_size", "channel", "folds", "seed"}) {
            if (options.getInt(key, 0) < 0) {
                throw new InputException(key + "=" + options.get(key, "") + " is negative. Give a number from 0.");
            }
        }
    }

    /**
     * Reads the settings from a macro string.
     *
     * @throws InputException naming an unknown key, a missing one or a value that cannot be used
     */
    public static TrainSettings fromOptions(OptionText options) {
        options.allowOnly(KEYS);
        return new TrainSettings(options);
    }

    private void checkWord(String key, String usual, List<String> words) {
        String word = options.get(key, usual);
        if (!words.contains(word)) {
            throw new InputException(key + "=" + word + " is not known. Choose one of " + String.join(", ", words)
                + ".");
        }
    }

    /** Returns the options of the service; what the user left open is left to the service. */
    public Map<String, Object> toOptions(String dataset) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("dataset", dataset);
        values.put("model", getModel());
        values.put("base", options.get("base", NEW));
        values.put("preset", options.get("preset", "standard"));
        values.put("consensus", options.get("consensus", "auto"));
        values.put("seed", options.getInt("seed", 0));
        for (String key : new String[] {"epochs", "channel", "folds"}) {
            if (options.getInt(key, 0) > 0) {
                values.put(key, options.getInt(key, 0));
            }
        }
        if (!options.get("min_roi_size", "").isEmpty()) {
            values.put("min_roi_size", options.getInt("min_roi_size", 0));
        }
        if (options.has("compare")) {
            values.put("compare", true);
        }
        return values;
    }

    /** Returns the name of the new model. */
    public String getModel() {
        return options.need("model");
    }

    /** Returns the folder of the images. */
    public String getImageFolder() {
        return options.need("image_folder");
    }

    /** Returns EXPERT=DIR;EXPERT=DIR, or a folder with one folder per expert. */
    public String getMaskFolders() {
        return options.need("mask_folders");
    }

    /** Tells whether a macro waits until the training has ended. */
    public boolean waits() {
        return options.has("wait");
    }

    /** Returns the folder for the curve when the macro waits, empty for none. */
    public String getOutputFolder() {
        return options.get("output_folder", "");
    }
}
