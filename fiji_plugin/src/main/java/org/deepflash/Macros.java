package org.deepflash;

import java.util.concurrent.Callable;
import org.deepflash.commands.Failures;
import org.deepflash.commands.RoiConversion;
import org.deepflash.records.OptionText;

/**
 * Functions for macros and scripts: {@code call("org.deepflash.Macros.roisToMask", options)}.
 *
 * <p>Options are the recorded key=value string. Every function returns text; a failure comes back as
 * {@code error: <sentence>} and never as an exception or a window.
 */
public final class Macros {

    private Macros() {
    }

    /** Draws a ROI set into a label image; returns the number of ROIs. See {@link RoiConversion#convert}. */
    public static String roisToMask(String options) {
        return answer(() -> Integer.toString(RoiConversion.convert(OptionText.parse(options))));
    }

    /** Saves mask and ROI set under an expert's name; returns the number of ROIs. See {@link RoiConversion#saveAnnotation}. */
    public static String saveAnnotation(String options) {
        return answer(() -> Integer.toString(RoiConversion.saveAnnotation(OptionText.parse(options))));
    }

    /** Pairs images with ROI sets by name; returns one line per file. See {@link RoiConversion#pair}. */
    public static String pairRois(String options) {
        return answer(() -> RoiConversion.pair(OptionText.parse(options)));
    }

    private static String answer(Callable<String> work) {
        try {
            return work.call();
        } catch (Exception error) {
            return "error: " + Failures.toSentence(error);
        }
    }
}
