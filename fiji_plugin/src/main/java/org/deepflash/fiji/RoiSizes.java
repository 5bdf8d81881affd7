package org.deepflash.fiji;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ImageProcessor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;

/** How many pixels the ROIs of an annotation have: as advice for the minimum ROI size. */
public final class RoiSizes {

    private RoiSizes() {
    }

    /** Measures the ROIs of a set. */
    public static List<Integer> measure(List<Roi> rois) {
        List<Integer> sizes = new ArrayList<>();
        for (Roi roi : rois) {
            ImageProcessor mask = roi.getMask();
            int count = roi.getBounds().width * roi.getBounds().height;
            if (mask != null) {
                count = mask.getStats().histogram[255];
            }
            sizes.add(count);
        }
        return sizes;
    }

    /** Measures a mask (two values: its ROIs are the 8-connected components) or a label image. */
    public static List<Integer> measure(ImagePlus image) {
        ImageProcessor pixels = image.getProcessor();
        TreeMap<Float, Integer> counts = new TreeMap<>();
        for (int i = 0; i < pixels.getPixelCount(); i++) {
            counts.merge(pixels.getf(i), 1, Integer::sum);
        }
        Float background = counts.firstKey();
        boolean isMask = counts.size() <= 2;
        if (isMask) {
            return components(pixels, background);
        }
        counts.remove(background);
        return new ArrayList<>(counts.values());
    }

    private static List<Integer> components(ImageProcessor pixels, float background) {
        List<Integer> sizes = new ArrayList<>();
        boolean[] isSeen = new boolean[pixels.getPixelCount()];
        for (int i = 0; i < isSeen.length; i++) {
            if (!isSeen[i] && pixels.getf(i) != background) {
                sizes.add(flood(pixels, isSeen, i, background));
            }
        }
        return sizes;
    }

    private static int flood(ImageProcessor pixels, boolean[] isSeen, int start, float background) {
        Deque<Integer> open = new ArrayDeque<>(Collections.singletonList(start));
        isSeen[start] = true;
        int count = 0;
        int width = pixels.getWidth();
        while (!open.isEmpty()) {
            int here = open.remove();
            count++;
            for (int y = Math.max(0, here / width - 1); y <= Math.min(pixels.getHeight() - 1, here / width + 1); y++) {
                for (int x = Math.max(0, here % width - 1); x <= Math.min(width - 1, here % width + 1); x++) {
                    int next = y * width + x;
                    if (!isSeen[next] && pixels.getf(next) != background) {
                        isSeen[next] = true;
                        open.add(next);
                    }
                }
            }
        }
        return count;
    }

    /** Returns the middle one, 0 of none. */
    public static int median(List<Integer> sizes) {
        int[] sorted = sizes.stream().mapToInt(Integer::intValue).sorted().toArray();
        return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
    }

    /** Returns the smallest, 0 of none. */
    public static int smallest(List<Integer> sizes) {
        return Arrays.stream(sizes.stream().mapToInt(Integer::intValue).toArray()).min().orElse(0);
    }
}
