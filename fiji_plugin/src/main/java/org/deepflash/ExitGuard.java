package org.deepflash;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.nio.ByteBuffer;
import java.security.ProtectionDomain;
import org.deepflash.records.InputException;

/**
 * Java agent that keeps ImageJ from ending a process that it is only a guest of.
 *
 * <p>Without its main window ImageJ calls {@code System.exit(0)} where a macro or plugin asks for the current
 * image and none is open: a Python script would vanish in the middle, with the code of success. The Java that
 * Python starts gets this class as {@code -javaagent}; in the class {@code ij.IJ}, as it is loaded, the call goes
 * to {@link #exit} instead. Only the table of names in the class file is changed, so it does not matter who
 * loads or patches the class besides. Inside Fiji, which has its main window, nothing of this is used.
 */
public final class ExitGuard implements ClassFileTransformer {

    private static final String GUARDED = "ij/IJ";
    private static final String SYSTEM = "java/lang/System";
    private static final String OURS = "org/deepflash/ExitGuard";
    private static final int TEXT = 1;
    private static final int LONG = 5;
    private static final int DOUBLE = 6;
    private static final int CLASS = 7;
    private static final int METHOD = 10;
    private static final int NAME_AND_TYPE = 12;
    private static final int METHOD_HANDLE = 15;
    private static final int COUNT_AT = 8;

    private ExitGuard() {
    }

    /** Called by Java before anything else. */
    public static void premain(String options, Instrumentation java) {
        java.addTransformer(new ExitGuard());
    }

    /**
     * Stands in for {@code System.exit} in {@code ij.IJ}.
     *
     * @throws InputException always
     */
    public static void exit(int status) {
        throw new InputException("No image is open. Open one and run the command again.");
    }

    @Override
    public byte[] transform(ClassLoader loader, String name, Class<?> before, ProtectionDomain domain, byte[] code) {
        try {
            return GUARDED.equals(name) ? redirectExit(code) : null;
        } catch (IOException | RuntimeException error) {
            // ImageJ works without the guard too; null means "as it was".
            return null;
        }
    }

    /** Returns the class file with calls of {@code System.exit} redirected here, or null if it has none. */
    static byte[] redirectExit(byte[] code) throws IOException {
        DataInputStream input = new DataInputStream(new ByteArrayInputStream(code));
        input.skipBytes(COUNT_AT);
        int count = input.readUnsignedShort();
        int[] starts = new int[count];
        String[] texts = new String[count];
        for (int i = 1; i < count; i++) {
            starts[i] = code.length - input.available();
            int tag = input.readUnsignedByte();
            if (tag == TEXT) {
                texts[i] = input.readUTF();
            } else {
                input.skipBytes(sizeOf(tag));
            }
            // The tables of Java count these two twice.
            i += tag == LONG || tag == DOUBLE ? 1 : 0;
        }
        int call = findExit(ByteBuffer.wrap(code), starts, texts);
        return call == 0 ? null : rewrite(code, code.length - input.available(), call, count);
    }

    private static int sizeOf(int tag) {
        if (tag == LONG || tag == DOUBLE) {
            return 8;
        }
        if (tag == METHOD_HANDLE) {
            return 3;
        }
        return tag == CLASS || tag == 8 || tag == 16 || tag == 19 || tag == 20 ? 2 : 4;
    }

    /** Returns where the entry for {@code System.exit(int)} starts, or 0. */
    private static int findExit(ByteBuffer code, int[] starts, String[] texts) {
        for (int start : starts) {
            if (start > 0 && code.get(start) == METHOD) {
                int owner = starts[code.getChar(start + 1)];
                int method = starts[code.getChar(start + 3)];
                boolean isExit = SYSTEM.equals(texts[code.getChar(owner + 1)])
                    && code.get(method) == NAME_AND_TYPE && "exit".equals(texts[code.getChar(method + 1)]);
                if (isExit) {
                    return start;
                }
            }
        }
        return 0;
    }

    /** Adds our class to the end of the table, and names it as the owner of the method. */
    private static byte[] rewrite(byte[] code, int end, int call, int count) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream output = new DataOutputStream(bytes);
        output.write(code, 0, end);
        output.writeByte(TEXT);
        output.writeUTF(OURS);
        output.writeByte(CLASS);
        output.writeShort(count);
        output.write(code, end, code.length - end);
        ByteBuffer changed = ByteBuffer.wrap(bytes.toByteArray());
        changed.putChar(COUNT_AT, (char) (count + 2));
        changed.putChar(call + 1, (char) (count + 1));
        return changed.array();
    }
}
