package org.deepflash.fiji;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ByteProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.deepflash.records.InputException;

/** Builds the mask, label and probability images of a segmentation, with calibration and slice labels of the image. */
public final class ResultImages {

    /** The images that can be made, by their macro keys. */
    public static final List<String> KINDS = Collections.unmodifiableList(Arrays.asList("mask", "labels",
        "probability"));

    private static final int[] BYTES_PER_PIXEL = {1, 2, 4};
    private static final double MOST_MEMORY = 0.7;

    private final ImagePlus source;
    private final List<SegmentedPlane> planes;

    /**
     * @param source the segmented image
     * @param planes its results, in order
     */
    public ResultImages(ImagePlus source, List<SegmentedPlane> planes) {
        this.source = source;
        this.planes = planes;
    }

    /**
     * Refuses result images that will not fit into the memory of ImageJ, before hours went into them.
     *
     * @param kinds those of {@link #KINDS} that are wanted
     * @throws InputException if they do not fit
     */
    public static void refuseTooLarge(ImagePlus source, int planes, List<String> kinds) {
        double pixels = (double) source.getWidth() * source.getHeight() * planes;
        // A mask is made from labels.
        boolean isOnlyMask = kinds.contains(KINDS.get(0)) && !kinds.contains(KINDS.get(1));
        double bytes = isOnlyMask ? pixels * BYTES_PER_PIXEL[1] : 0;
        for (String kind : kinds) {
            bytes += pixels * BYTES_PER_PIXEL[KINDS.indexOf(kind)];
        }
        if (bytes > MOST_MEMORY * IJ.maxMemory()) {
            throw new InputException(String.format(Locale.ROOT, "The result images of %d planes (%s) need %.1f GB, but"
                + " ImageJ may use %.1f GB. Leave these images out: the ROIs need little memory. Or raise the limit in"
                + " Edit > Options > Memory & Threads.", planes, String.join(", ", kinds), bytes / 1e9,
                IJ.maxMemory() / 1e9));
        }
    }

    /** Returns {@code TITLE-mask}, 8-bit with 0 and 255. */
    public ImagePlus makeMask() {
        List<ImageProcessor> processors = new ArrayList<>();
        for (SegmentedPlane plane : planes) {
            ImageProcessor labels = plane.getLabels();
            ByteProcessor mask = new ByteProcessor(labels.getWidth(), labels.getHeight());
            for (int i = 0; i < mask.getPixelCount(); i++) {
                mask.set(i, labels.getf(i) > 0 ? 255 : 0);
            }
            processors.add(mask);
        }
        return assemble("-mask", processors);
    }

    /** Returns {@code TITLE-labels}, 16-bit, or 32-bit above 65,535 ROIs, in colours. */
    public ImagePlus makeLabels() {
        boolean isWide = planes.stream().anyMatch(plane -> plane.getLabels() instanceof FloatProcessor);
        List<ImageProcessor> processors = new ArrayList<>();
        for (SegmentedPlane plane : planes) {
            processors.add(isWide ? plane.getLabels().convertToFloat() : plane.getLabels().convertToShort(false));
        }
        ImagePlus image = assemble("-labels", processors);
        image.getProcessor().setLut(GlasbeyLut.create());
        image.setLut(GlasbeyLut.create());
        image.setDisplayRange(0, 255);
        return image;
    }

    /** Returns {@code TITLE-prob}, 32-bit from 0 to 1. */
    public ImagePlus makeProbability() {
        List<ImageProcessor> processors = new ArrayList<>();
        for (SegmentedPlane plane : planes) {
            processors.add(plane.getProbability().convertToFloat());
        }
        ImagePlus image = assemble("-prob", processors);
        image.setDisplayRange(0, 1);
        return image;
    }

    private ImagePlus assemble(String suffix, List<ImageProcessor> processors) {
        ImageStack stack = new ImageStack(source.getWidth(), source.getHeight());
        for (int i = 0; i < processors.size(); i++) {
            PlanePosition position = planes.get(i).getPosition();
            int index = source.getStackIndex(position.getChannel(), position.getSlice(), position.getFrame());
            stack.addSlice(source.getStack().getSliceLabel(index), processors.get(i));
        }
        ImagePlus image = new ImagePlus(RoiPairing.stem(source.getTitle()) + suffix, stack);
        if (processors.size() > 1) {
            image.setDimensions(1, source.getNSlices(), source.getNFrames());
            image.setOpenAsHyperStack(source.getNSlices() > 1 && source.getNFrames() > 1);
        } else {
            // ImageJ keeps the label of a single plane elsewhere.
            image.setProp("Slice_Label", stack.getSliceLabel(1));
        }
        image.setCalibration(Calibrations.spatial(source));
        return image;
    }
}
