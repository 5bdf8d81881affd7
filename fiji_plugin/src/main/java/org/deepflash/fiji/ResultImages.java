package org.deepflash.fiji;

import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ByteProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import java.util.ArrayList;
import java.util.List;

/** Builds the mask, label and probability images of a segmentation, with calibration and slice labels of the image. */
public final class ResultImages {

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
        }
        image.setCalibration(Calibrations.spatial(source));
        return image;
    }
}
