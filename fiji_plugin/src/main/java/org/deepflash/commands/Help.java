package org.deepflash.commands;

import ij.IJ;
import ij.text.TextWindow;
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

    @Override
    void runWithDialog() throws IOException {
        new TextWindow("DeepFLaSH Help", read(), 760, 560);
    }

    @Override
    void runWith(OptionText options) throws IOException {
        options.allowOnly(Collections.<String>emptySet());
        if (GraphicsEnvironment.isHeadless() || Failures.isInMacro()) {
            IJ.log(read());
        }
    }

    private static String read() throws IOException {
        try (InputStream stream = Help.class.getResourceAsStream("/org/deepflash/help.txt");
                BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            return lines.lines().collect(Collectors.joining("\n"));
        }
    }
}
