package org.deepflash.fiji;

import ij.gui.Roi;
import ij.io.RoiDecoder;
import ij.io.RoiEncoder;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.deepflash.records.InputException;

/** ROI sets as files and bytes; works without a display, where ImageJ's ROI Manager does not. */
public final class RoiFiles {

    private static final int MAX_ROI_BYTES = 64 * 1024 * 1024;

    private RoiFiles() {
    }

    /**
     * Reads an ImageJ ROI ({@code .roi}) or ROI set ({@code .zip}) in the order of the file.
     *
     * @throws InputException if the file is missing, damaged or holds no ROI
     */
    public static List<Roi> read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException("There is no ROI file " + file + ". Check the name.");
        }
        try {
            byte[] bytes = Files.readAllBytes(file);
            String name = file.getFileName().toString();
            List<Roi> rois = new ArrayList<>();
            if (name.toLowerCase(Locale.ROOT).endsWith(".roi")) {
                rois.add(decode(bytes, name));
            } else {
                rois.addAll(readZip(bytes));
            }
            if (rois.isEmpty()) {
                throw new IOException("no ROI in it");
            }
            return rois;
        } catch (IOException | RuntimeException error) {
            throw new InputException(file + " is not an ImageJ ROI set (" + error.getMessage()
                + "). Save it again from the ROI Manager with More > Save...");
        }
    }

    /**
     * Decodes a zipped ROI set; an empty archive gives an empty list.
     *
     * @throws IOException if the bytes are no zip file of ROIs
     */
    public static List<Roi> readZip(byte[] bytes) throws IOException {
        if (bytes.length < 4 || bytes[0] != 'P' || bytes[1] != 'K') {
            throw new IOException("it is no zip file");
        }
        List<Roi> rois = new ArrayList<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(bytes))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().toLowerCase(Locale.ROOT).endsWith(".roi")) {
                    rois.add(decode(readAll(zip), entry.getName()));
                }
            }
        }
        return rois;
    }

    private static Roi decode(byte[] bytes, String entry) throws IOException {
        Roi roi = RoiDecoder.openFromByteArray(bytes);
        if (roi == null) {
            throw new IOException(entry + " is no ROI");
        }
        if (roi.getName() == null || roi.getName().isEmpty()) {
            String last = entry.substring(entry.lastIndexOf('/') + 1);
            roi.setName(last.substring(0, last.length() - ".roi".length()));
        }
        return roi;
    }

    private static byte[] readAll(InputStream stream) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
            bytes.write(buffer, 0, count);
            if (bytes.size() > MAX_ROI_BYTES) {
                throw new IOException("an entry is larger than any ROI");
            }
        }
        return bytes.toByteArray();
    }

    /** Writes a ROI set, one {@code .roi} entry per ROI; the file appears whole or not at all. */
    public static void write(Path file, List<Roi> rois) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Set<String> names = new HashSet<>();
        try (ZipOutputStream zip = new ZipOutputStream(bytes, StandardCharsets.UTF_8)) {
            for (int i = 0; i < rois.size(); i++) {
                ZipEntry entry = new ZipEntry(uniqueName(rois.get(i), i, names) + ".roi");
                entry.setTime(0);
                zip.putNextEntry(entry);
                zip.write(RoiEncoder.saveAsByteArray(rois.get(i)));
                zip.closeEntry();
            }
        }
        AtomicFiles.write(file, bytes.toByteArray());
    }

    private static String uniqueName(Roi roi, int index, Set<String> taken) {
        String name = roi.getName() == null ? String.format("roi-%04d", index + 1) : roi.getName();
        name = name.replace('/', '_').replace('\\', '_');
        String unique = name;
        for (int i = 1; !taken.add(unique); i++) {
            unique = name + "-" + i;
        }
        return unique;
    }
}
