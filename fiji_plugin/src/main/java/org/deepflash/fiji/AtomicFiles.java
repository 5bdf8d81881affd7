package org.deepflash.fiji;

import ij.ImagePlus;
import ij.io.FileSaver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Files that appear whole or not at all: written under a temporary name, then renamed. */
public final class AtomicFiles {

    private AtomicFiles() {
    }

    /** Writes the bytes; missing folders are made. */
    public static void write(Path file, byte[] bytes) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Path part = folder.resolve("." + file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            Files.write(part, bytes);
            Files.move(part, file.toAbsolutePath(), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** Writes the image as a TIFF with its overlay and calibration. */
    public static void writeTiff(Path file, ImagePlus image) throws IOException {
        byte[] bytes = new FileSaver(image).serialize();
        if (bytes == null) {
            throw new IOException("ImageJ could not write " + file);
        }
        write(file, bytes);
    }
}
