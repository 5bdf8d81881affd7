package org.deepflash.records;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What the user chose for one segmentation: the keys of {@code DFL Segment...}. */
public final class SegmentSettings {

    /** Word for "the value of the model card". */
    public static final String FROM_MODEL = "model";

    /** The macro keys; {@code image}, {@code output_folder}, {@code suffix} and {@code overwrite} are for macros only. */
    public static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        "model", "channel", "planes", "threshold", "min_roi_size", "mask", "labels", "probability",
        "add_to_manager", "append", "table", "image", "output_folder", "suffix", "overwrite")));

    /** The options of the service that stand in {@link #KEYS}, or for which Fiji has something of its own. */
    public static final Set<String> OWN = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        "model", "dataset", "threshold", "min_roi_size", "channel", "planes")));

    private final OptionText options;
    private final Map<String, Object> serviceOptions;
    private final Planes planes;
    private final Double threshold;
    private final Integer minRoiSize;

    private SegmentSettings(OptionText options, OptionFields fields) {
        this.options = options;
        this.serviceOptions = fields.read(options);
        this.planes = Planes.fromWord(options.get("planes", Planes.CURRENT.getWord()));
        String size = options.get("min_roi_size", FROM_MODEL);
        this.minRoiSize = size.equals(FROM_MODEL) ? null : Integer.valueOf(options.getInt("min_roi_size", 0));
        this.threshold = readThreshold(options.get("threshold", FROM_MODEL));
        boolean isNumber = getChannel().matches("-?\\d+");
        if (isNumber && options.getInt("channel", 0) < 0) {
            throw new InputException("channel=" + getChannel() + " is not known. Channels count from 1; 0 is the one"
                + " shown.");
        }
        if (getSuffix().matches(".*[/\\\\:*?\"<>|\\p{Cntrl}].*")) {
            throw new InputException("suffix=" + getSuffix() + " becomes part of file names. Use letters, digits, - and"
                + " _.");
        }
        if (minRoiSize != null && minRoiSize < 0) {
            throw new InputException("min_roi_size=" + minRoiSize + " is negative. Give an area in pixels, or 0.");
        }
    }

    /**
     * Reads the settings from a macro string.
     *
     * @throws InputException naming an unknown key or a value that cannot be used
     */
    public static SegmentSettings fromOptions(OptionText options) {
        return fromOptions(options, OptionFields.NONE);
    }

    /**
     * Reads the settings from a macro string.
     *
     * @param fields options of the service for which this plugin has no key
     * @throws InputException naming an unknown key or a value that cannot be used
     */
    public static SegmentSettings fromOptions(OptionText options, OptionFields fields) {
        options.allowOnly(fields.addTo(KEYS));
        return new SegmentSettings(options, fields);
    }

    private static Double readThreshold(String text) {
        if (text.equals(FROM_MODEL)) {
            return null;
        }
        try {
            double value = Double.parseDouble(text);
            if (value >= 0 && value <= 1) {
                return value;
            }
        } catch (NumberFormatException error) {
            // falls through to the sentence below
        }
        throw new InputException("threshold=" + text + " is no probability. Give a number from 0 to 1, or the word "
            + FROM_MODEL + " for the value of the model card.");
    }

    /** Returns NAME or NAME@VERSION. */
    public String getModel() {
        return options.need("model");
    }

    /** Returns number (from 1) or name of the channel; empty or 0 for the one shown. */
    public String getChannel() {
        return options.get("channel", "");
    }

    /** Returns which planes are segmented. */
    public Planes getPlanes() {
        return planes;
    }

    /** Returns the threshold, or null for the value of the model card. */
    public Double getThreshold() {
        return threshold;
    }

    /** Returns the minimum ROI size in pixels, or null for the value of the model card. */
    public Integer getMinRoiSize() {
        return minRoiSize;
    }

    /** Returns name to Boolean, Long, Double or String, for the service as it is. */
    public Map<String, Object> getServiceOptions() {
        return serviceOptions;
    }

    /** Tells whether a box is ticked: mask, labels, probability, add_to_manager, append or table. */
    public boolean wants(String box) {
        return options.has(box);
    }

    /** Returns number or title of the image, empty for the current one. */
    public String getImage() {
        return options.get("image", "");
    }

    /** Returns what stands between the name of the image and the kind of a result file. */
    public String getSuffix() {
        return options.get("suffix", "");
    }

    /** Returns the folder for result files, empty for none. */
    public String getOutputFolder() {
        return options.get("output_folder", "");
    }
}
