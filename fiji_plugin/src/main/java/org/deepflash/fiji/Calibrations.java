package org.deepflash.fiji;

import ij.ImagePlus;
import ij.measure.Calibration;

/** Pixel sizes of results. */
public final class Calibrations {

    private Calibrations() {
    }

    /** Returns the sizes and units of an image without the meaning of its grey values. */
    public static Calibration spatial(ImagePlus image) {
        Calibration calibration = image.getCalibration().copy();
        calibration.setFunction(Calibration.NONE, null, "Gray Value");
        return calibration;
    }
}
