package org.deepflash.records;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What the user chose for one training: the keys of {@code DFL Train...}. */
public final class TrainSettings {

    /** The macro keys of this plugin; the others are the options of the service, under its names. */
    public static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        "model", "base", "image_folder", "mask_folders", "wait", "output_folder")));
    /** The options of the service that this plugin fills in by itself, or asks for in its own way. */
    public static final Set<String> OWN = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        "dataset", "model", "base")));
    /** Word for a network that has learned nothing yet. */
    public static final String NEW = "new";

    private final OptionText options;
    private final Map<String, Object> serviceOptions;

    private TrainSettings(OptionText options, OptionFields fields) {
        this.options = options;
        options.need("model");
        options.need("image_folder");
        options.need("mask_folders");
        this.serviceOptions = fields.read(options);
    }

    /**
     * Reads the settings from a macro string.
     *
     * @param fields the options of the service but for those of {@link #OWN}
     * @throws InputException naming an unknown key, a missing one or a value that cannot be used
     */
    public static TrainSettings fromOptions(OptionText options, OptionFields fields) {
        options.allowOnly(fields.addTo(KEYS));
        return new TrainSettings(options, fields);
    }

    /** Returns the options of the service; what the user left open is left to the service. */
    public Map<String, Object> toOptions(String dataset) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("dataset", dataset);
        values.put("model", getModel());
        values.put("base", options.get("base", NEW));
        values.putAll(serviceOptions);
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
