package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.macro.Interpreter;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import org.deepflash.client.ServiceException;
import org.deepflash.records.InputException;

/**
 * Says what went wrong in one sentence, the same everywhere: a dialog when a person clicked, the Log and an
 * aborted macro when a macro runs, standard error and an exception when there is no display.
 */
public final class Failures {

    private static String lastSentence = "";

    private Failures() {
    }

    /** Returns the sentence for an error and keeps it for {@link #getLast()}. */
    public static String toSentence(Throwable error) {
        lastSentence = describe(error);
        return lastSentence;
    }

    private static String describe(Throwable error) {
        if (error instanceof InputException || error instanceof ServiceException) {
            return error.getMessage();
        }
        if (error instanceof IOException) {
            return "A file could not be read or written (" + error.getMessage()
                + "). Check the folder, its rights and the free space.";
        }
        if (error instanceof InvalidPathException) {
            return printable(((InvalidPathException) error).getInput()) + " cannot be used as a path ("
                + ((InvalidPathException) error).getReason() + "). Give the name of a file or folder.";
        }
        if (error instanceof OutOfMemoryError) {
            return "ImageJ has not enough memory. Raise the limit in Edit > Options > Memory & Threads,"
                + " or segment fewer planes at once.";
        }
        return "The plugin failed (" + error + "). Please report this with what you did.";
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    /** Returns the latest sentence, empty if nothing went wrong yet. */
    static String getLast() {
        return lastSentence;
    }

    /**
     * Ends a command that failed. Never returns.
     *
     * @return never; the type lets callers write {@code throw Failures.end(error)}
     */
    static RuntimeException end(Throwable error) {
        IJ.showProgress(1.0);
        IJ.showStatus("");
        boolean isQuiet = error instanceof ServiceException
            && ((ServiceException) error).getCode().equals(ServiceException.CANCELLED);
        String sentence = toSentence(error);
        if (isInMacro()) {
            return abortMacro(sentence);
        }
        if (GraphicsEnvironment.isHeadless()) {
            System.err.println(sentence);
            return new IllegalStateException(sentence, error);
        }
        if (!isQuiet) {
            IJ.showMessage("DeepFLaSH", Sentence.wrap(sentence));
        }
        return cancel();
    }

    /** Returns the exception that ends a command without a word, as when the user closes a dialog. */
    static RuntimeException cancel() {
        return new RuntimeException(Macro.MACRO_CANCELED);
    }

    /** Tells whether a macro or script runs the command, so that no window may wait for a person. */
    static boolean isInMacro() {
        return IJ.isMacro() || Macro.getOptions() != null;
    }

    private static RuntimeException abortMacro(String sentence) {
        System.err.println(sentence);
        Interpreter interpreter = Interpreter.getInstance();
        if (interpreter != null) {
            IJ.log("DeepFLaSH: " + sentence);
            // ImageJ would open a dialog for the error, which nobody can close in batch mode.
            interpreter.setIgnoreErrors(true);
            interpreter.abort(sentence);
        } else {
            IJ.redirectErrorMessages(true);
            IJ.error("DeepFLaSH", sentence);
        }
        return cancel();
    }
}
