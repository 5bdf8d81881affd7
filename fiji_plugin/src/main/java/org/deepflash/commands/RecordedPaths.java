package org.deepflash.commands;

import ij.plugin.frame.Recorder;
import org.deepflash.records.OptionText;

/** What the recorder writes holds paths with "/": a single "\\" would be lost in the text of a macro. */
final class RecordedPaths {

    private static final String WINDOWS_PATH = "(?s)(.*[=;])?([A-Za-z]:\\\\|\\\\\\\\).*";

    private RecordedPaths() {
    }

    /** Returns a path of Windows with "/"; other texts stay as they are. */
    static String toSlashes(String text) {
        if (!text.matches(WINDOWS_PATH)) {
            return text;
        }
        // The recorder doubles the "\\" of a path with a drive, but not of others.
        String single = text.matches("(?s)[A-Za-z]:\\\\\\\\.*") ? text.replace("\\\\", "\\") : text;
        return single.replace('\\', '/');
    }

    /** Puts "/" into the paths of the command that is being recorded. */
    static void mend() {
        String options = Recorder.record ? Recorder.getCommandOptions() : null;
        if (options != null && options.indexOf('\\') >= 0) {
            Recorder.resetCommandOptions();
            record(OptionText.parse(options));
        }
    }

    /** Records options; empty ones are left out, as absent and empty mean the same. */
    static void record(OptionText options) {
        if (Recorder.record) {
            options.forEach((key, value) -> {
                if (value.equals("true")) {
                    Recorder.recordOption(key);
                } else if (!value.isEmpty()) {
                    Recorder.recordOption(key, toSlashes(value));
                }
            });
        }
    }
}
