package org.deepflash.driver;

import ij.IJ;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.stream.Collectors;
import javax.script.ScriptEngine;
import javax.script.ScriptEngineManager;
import javax.script.ScriptException;

/**
 * Runs a script as Fiji's Script Editor does, without a display. Used by tests/fiji.
 *
 * <p>Arguments are the language, the script, and {@code name=kind:value} for each of its {@code #@} lines, where the
 * kind is {@code image}, {@code file} or {@code text}.
 */
public final class ScriptDriver {

    private ScriptDriver() {
    }

    /** Ends with code 1 and the cause on standard error when the script fails. */
    public static void main(String[] arguments) throws Exception {
        Class.forName("net.imagej.patcher.LegacyInjector").getMethod("preinit").invoke(null);
        System.exit(new Work().run(arguments));
    }

    /** Kept apart, so that no ImageJ class is loaded before it is patched. */
    private static final class Work {

        int run(String[] arguments) throws Exception {
            ScriptEngine engine = new ScriptEngineManager().getEngineByName(arguments[0]);
            for (int i = 2; i < arguments.length; i++) {
                String[] parts = arguments[i].split("[=:]", 3);
                engine.put(parts[0], toInput(parts[1], parts[2]));
            }
            try {
                engine.eval(readWithoutInputs(Paths.get(arguments[1])));
                return 0;
            } catch (ScriptException error) {
                System.err.println(error);
                return 1;
            }
        }

        private static Object toInput(String kind, String value) {
            switch (kind) {
                case "image":
                    return IJ.openImage(value);
                case "file":
                    return new File(value);
                default:
                    return value;
            }
        }

        /** SciJava reads the lines with {@code #@} itself; the language never sees them. */
        private static String readWithoutInputs(Path script) throws Exception {
            return Files.readAllLines(script, StandardCharsets.UTF_8).stream()
                .map(line -> line.startsWith("#@") ? "" : line).collect(Collectors.joining("\n"));
        }
    }
}
