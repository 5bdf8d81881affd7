package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.io.Opener;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.deepflash.records.InputException;

/** Finds the image that a command works on. */
final class Images {

    /** Property of an image: the file that an annotation session opened. */
    static final String FILE = "dfl.file";

    private Images() {
    }

    /**
     * Returns the current image; never {@code IJ.getImage()}, which ends a headless process without one.
     *
     * @throws InputException if no image is open
     */
    static ImagePlus needCurrent() {
        ImagePlus image = WindowManager.getCurrentImage();
        if (image == null) {
            throw new InputException("No image is open. Open one and run the command again.");
        }
        return image;
    }

    /** Returns the name of the file that an image came from, which the title hides in blind annotation. */
    static String nameOf(ImagePlus image) {
        String file = image.getProp(FILE);
        return file == null ? image.getTitle() : Paths.get(file).getFileName().toString();
    }

    /**
     * Opens a file without showing it.
     *
     * @throws InputException if it is no image that ImageJ knows
     */
    static ImagePlus open(Path file) {
        ImagePlus image = Files.isRegularFile(file) ? openQuietly(file) : null;
        if (image == null) {
            throw new InputException(file + " cannot be opened as an image. Check that it exists and opens in ImageJ.");
        }
        image.setTitle(file.getFileName().toString());
        return image;
    }

    /** Opens a file without the dialogs of ImageJ about files that it does not know: a folder would wait there. */
    private static ImagePlus openQuietly(Path file) {
        Opener opener = new Opener();
        opener.setSilentMode(true);
        IJ.redirectErrorMessages(true);
        try {
            return opener.openImage(file.toString());
        } finally {
            IJ.redirectErrorMessages(false);
        }
    }

    /**
     * Returns an open image by its title or number; an empty name means the current one.
     *
     * @throws InputException if there is none of that name
     */
    static ImagePlus find(String idOrTitle) {
        if (idOrTitle.isEmpty()) {
            return needCurrent();
        }
        ImagePlus image = WindowManager.getImage(idOrTitle);
        // No image has a number of more digits, and Java could not read it.
        if (image == null && idOrTitle.matches("-?\\d{1,9}")) {
            image = WindowManager.getImage(Integer.parseInt(idOrTitle));
        }
        if (image == null) {
            throw new InputException("No open image is named " + idOrTitle + ". Open it and run the command again.");
        }
        return image;
    }
}
