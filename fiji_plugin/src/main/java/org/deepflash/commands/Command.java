package org.deepflash.commands;

import ij.Macro;
import ij.plugin.PlugIn;
import java.awt.GraphicsEnvironment;
import org.deepflash.records.OptionText;

/** A menu command: a dialog for a person, options for a macro, one sentence for what goes wrong. */
abstract class Command implements PlugIn {

    @Override
    public final void run(String argument) {
        try {
            String options = Macro.getOptions();
            boolean isAsking = options == null && !GraphicsEnvironment.isHeadless();
            if (isAsking) {
                runWithDialog();
                RecordedPaths.mend();
            } else {
                runWith(OptionText.parse(options));
            }
        } catch (Exception | OutOfMemoryError error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? Failures.cancel() : Failures.end(error);
        }
    }

    /** Asks the person, then does the work. */
    abstract void runWithDialog() throws Exception;

    /** Does the work without asking. */
    abstract void runWith(OptionText options) throws Exception;
}
