package org.deepflash.commands;

import java.io.IOException;
import org.deepflash.records.InputException;

/** Turns whatever went wrong into one sentence, the same in dialog, macro and console. */
public final class Failures {

    private Failures() {
    }

    /** Returns the sentence for an error. */
    public static String toSentence(Throwable error) {
        if (error instanceof InputException) {
            return error.getMessage();
        }
        if (error instanceof IOException) {
            return "A file could not be read or written (" + error.getMessage()
                + "). Check the folder, its rights and the free space.";
        }
        return "The plugin failed (" + error + "). Please report this with what you did.";
    }
}
