package org.deepflash.fiji;

import ij.process.LUT;
import java.awt.Color;

/** Colours for label images: black for background, then 255 colours of which neighbours differ clearly. */
public final class GlasbeyLut {

    private static final double GOLDEN_RATIO = 0.618033988749895;

    private GlasbeyLut() {
    }

    /** Returns the colour table; hues step by the golden ratio, saturation and brightness alternate. */
    public static LUT create() {
        byte[] reds = new byte[256];
        byte[] greens = new byte[256];
        byte[] blues = new byte[256];
        for (int i = 1; i < 256; i++) {
            float hue = (float) ((i * GOLDEN_RATIO) % 1.0);
            Color color = Color.getHSBColor(hue, i % 3 == 0 ? 0.5f : 0.9f, i % 2 == 0 ? 1.0f : 0.75f);
            reds[i] = (byte) color.getRed();
            greens[i] = (byte) color.getGreen();
            blues[i] = (byte) color.getBlue();
        }
        return new LUT(8, 256, reds, greens, blues);
    }
}
