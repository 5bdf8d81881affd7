package org.deepflash.commands;

import ij.IJ;
import java.awt.GraphicsEnvironment;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.stream.Collectors;
import org.deepflash.records.OptionText;

/** {@code DFL Help}: what each command does and in which order they are used; needs neither service nor network. */
public final class Help extends Command {

    /** Resource that tells of each command. */
    static final String TEXT = "help.txt";

    @Override
    void runWithDialog() throws IOException {
        tell();
    }

    @Override
    void runWith(OptionText options) throws IOException {
        options.allowOnly(Collections.<String>emptySet());
        tell();
    }

    /** A macro that calls the command has no options, so that alone does not tell a person from a macro. */
    private static void tell() throws IOException {
        if (GraphicsEnvironment.isHeadless() || Failures.isInMacro()) {
            IJ.log(read(TEXT));
        } else {
            TextPage.show("DeepFLaSH Help", read(TEXT));
        }
    }

    /** Returns a text of the jar. */
    static String read(String name) throws IOException {
        try (InputStream stream = Help.class.getResourceAsStream("/org/deepflash/" + name);
                BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            return lines.lines().collect(Collectors.joining("\n"));
        }
    }
}
