package org.deepflash.driver;

import ij.IJ;
import ij.macro.Interpreter;

/** Runs one macro file without a display: arguments are the file and its argument. Used by tests/fiji. */
public final class HeadlessDriver {

    private HeadlessDriver() {
    }

    /** Prints {@code >> result}, or ends with code 1 after {@code >> aborted}. */
    public static void main(String[] arguments) throws Exception {
        Class.forName("net.imagej.patcher.LegacyInjector").getMethod("preinit").invoke(null);
        System.exit(new Work().run(arguments[0], arguments[1]));
    }

    /** Kept apart, so that no ImageJ class is loaded before it is patched. */
    private static final class Work {

        int run(String file, String argument) {
            Interpreter interpreter = new Interpreter();
            try {
                String result = interpreter.run(IJ.openAsString(file), argument);
                if (interpreter.getErrorMessage() == null) {
                    System.out.println(">> " + result);
                    return 0;
                }
            } catch (RuntimeException error) {
                // told below
            }
            System.out.println(">> aborted " + interpreter.getErrorMessage());
            return 1;
        }
    }
}
