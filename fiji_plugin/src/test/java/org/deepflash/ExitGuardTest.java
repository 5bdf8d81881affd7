package org.deepflash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.util.function.Supplier;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;

class ExitGuardTest {

    /** A program with every kind of table entry, and with the call. */
    public static final class Ending {

        private Ending() {
        }

        public static long end(long start) {
            Supplier<String> later = () -> "s" + (start + 5_000_000_000L + 2.5);
            if (start == 1) {
                System.exit(3);
            }
            return later.get().isEmpty() ? 0 : start;
        }
    }

    private static byte[] read(Class<?> type) throws IOException {
        try (InputStream stream = type.getResourceAsStream("/" + type.getName().replace('.', '/') + ".class")) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
                bytes.write(buffer, 0, count);
            }
            return bytes.toByteArray();
        }
    }

    private static Class<?> load(byte[] code) {
        return new ClassLoader(ExitGuardTest.class.getClassLoader()) {
            Class<?> define() {
                return defineClass(null, code, 0, code.length);
            }
        }.define();
    }

    @Test
    void theCallThatEndsTheProcessThrowsInstead() throws Exception {
        byte[] changed = ExitGuard.redirectExit(read(Ending.class));
        assertNotNull(changed);
        Class<?> ending = load(changed);
        assertEquals(7L, ending.getMethod("end", long.class).invoke(null, 7L));
        InvocationTargetException error = assertThrows(InvocationTargetException.class,
            () -> ending.getMethod("end", long.class).invoke(null, 1L));
        assertTrue(error.getCause() instanceof InputException);
        assertTrue(error.getCause().getMessage().startsWith("No image is open. "));
    }

    @Test
    void imagejHasTheCallAndOtherClassesStayAsTheyAre() throws IOException {
        assertNotNull(ExitGuard.redirectExit(read(IJ.class)));
        assertNull(ExitGuard.redirectExit(read(ij.ImagePlus.class)));
    }
}
