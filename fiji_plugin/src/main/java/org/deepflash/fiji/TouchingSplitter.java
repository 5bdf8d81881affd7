package org.deepflash.fiji;

import ij.gui.Roi;
import ij.plugin.filter.EDM;
import ij.plugin.filter.ThresholdToSelection;
import ij.process.ByteProcessor;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Splits ROIs at their necks by ImageJ's binary watershed (distance transform), one ROI at a time.
 *
 * <p>The dividing line, which ImageJ leaves as background, is given back to the part beside it, so that
 * no pixel of a ROI is lost. ROIs that touch each other were apart before and stay apart.
 */
public final class TouchingSplitter {

    private static final int[][] NEIGHBOURS = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

    private TouchingSplitter() {
    }

    /**
     * Splits the ROIs drawn as labels 1..n; unsplit ones are returned as they were.
     *
     * @param rois the ROIs of the labels, in order
     * @param labels label image of the size {@code width * (labels.length / width)}
     */
    public static List<Roi> split(List<Roi> rois, int[] labels, int width) {
        int height = labels.length / width;
        List<Roi> result = new ArrayList<>();
        for (int i = 0; i < rois.size(); i++) {
            Roi roi = rois.get(i);
            Rectangle box = roi.getBounds().intersection(new Rectangle(0, 0, width, height));
            ByteProcessor mask = cutMask(labels, i + 1, box, width);
            int[] parts = new int[mask.getPixelCount()];
            int count = findParts(mask, parts);
            if (count < 2) {
                result.add(roi);
            } else {
                result.addAll(tracePieces(roi, parts, mask.getWidth(), new int[] {count, box.x - 1, box.y - 1}));
            }
        }
        return result;
    }

    private static ByteProcessor cutMask(int[] labels, int label, Rectangle box, int width) {
        ByteProcessor mask = new ByteProcessor(box.width + 2, box.height + 2);
        for (int y = 0; y < box.height; y++) {
            for (int x = 0; x < box.width; x++) {
                if (labels[(box.y + y) * width + box.x + x] == label) {
                    mask.set(x + 1, y + 1, 255);
                }
            }
        }
        return mask;
    }

    private static int findParts(ByteProcessor mask, int[] parts) {
        ByteProcessor divided = (ByteProcessor) mask.duplicate();
        new EDM().toWatershed(divided);
        int count = 0;
        for (int i = 0; i < parts.length; i++) {
            if (divided.get(i) != 0 && parts[i] == 0) {
                count++;
                flood(divided, parts, i, count);
            }
        }
        giveBackLines(mask, parts);
        return count;
    }

    private static void flood(ImageProcessor image, int[] parts, int start, int part) {
        Deque<Integer> open = new ArrayDeque<>();
        parts[start] = part;
        open.add(start);
        int width = image.getWidth();
        while (!open.isEmpty()) {
            int here = open.remove();
            for (int[] step : NEIGHBOURS) {
                int next = here + step[1] * width + step[0];
                if (image.get(next) != 0 && parts[next] == 0) {
                    parts[next] = part;
                    open.add(next);
                }
            }
        }
    }

    private static void giveBackLines(ByteProcessor mask, int[] parts) {
        Deque<Integer> open = new ArrayDeque<>();
        for (int i = 0; i < parts.length; i++) {
            if (parts[i] != 0) {
                open.add(i);
            }
        }
        int width = mask.getWidth();
        while (!open.isEmpty()) {
            int here = open.remove();
            for (int[] step : NEIGHBOURS) {
                int next = here + step[1] * width + step[0];
                if (mask.get(next) != 0 && parts[next] == 0) {
                    parts[next] = parts[here];
                    open.add(next);
                }
            }
        }
    }

    private static List<Roi> tracePieces(Roi whole, int[] parts, int width, int[] countAndOrigin) {
        List<Roi> pieces = new ArrayList<>();
        for (int part = 1; part <= countAndOrigin[0]; part++) {
            byte[] pixels = new byte[parts.length];
            Arrays.fill(pixels, (byte) 0);
            for (int i = 0; i < parts.length; i++) {
                pixels[i] = parts[i] == part ? (byte) 255 : 0;
            }
            ByteProcessor image = new ByteProcessor(width, parts.length / width, pixels);
            image.setThreshold(255, 255, ImageProcessor.NO_LUT_UPDATE);
            Roi piece = new ThresholdToSelection().convert(image);
            Rectangle box = piece.getBounds();
            piece.setLocation(box.x + countAndOrigin[1], box.y + countAndOrigin[2]);
            piece.setName(whole.getName() + "-" + part);
            pieces.add(piece);
        }
        return pieces;
    }
}
