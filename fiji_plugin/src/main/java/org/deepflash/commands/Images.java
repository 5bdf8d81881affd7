package org.deepflash.commands;

import ij.ImagePlus;
import ij.WindowManager;
import org.deepflash.records.InputException;

/** Finds the image that a command works on. */
final class Images {

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

    /**
     * Returns an open image by its number or title; an empty name means the current one.
     *
     * @throws InputException if there is none of that name
     */
    static ImagePlus find(String idOrTitle) {
        if (idOrTitle.isEmpty()) {
            return needCurrent();
        }
        // No image has a number of more digits, and Java could not read it.
        ImagePlus image = idOrTitle.matches("-?\\d{1,9}") ? WindowManager.getImage(Integer.parseInt(idOrTitle)) : null;
        image = image == null ? WindowManager.getImage(idOrTitle) : image;
        if (image == null) {
            throw new InputException("No open image is named " + idOrTitle + ". Open it and run the command again.");
        }
        return image;
    }
}
