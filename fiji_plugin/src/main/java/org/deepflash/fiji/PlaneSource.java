package org.deepflash.fiji;

import ij.ImagePlus;
import ij.ImageStack;
import ij.io.FileSaver;
import ij.measure.Calibration;
import ij.process.Blitter;
import ij.process.ByteProcessor;
import ij.process.ColorProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;
import java.util.ArrayList;
import java.util.List;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.Planes;

/**
 * The planes of an image as TIFF bytes, one at a time, so that a virtual stack is never loaded whole.
 *
 * <p>Raw grey values are sent: display range, colour table and inverted tables do not matter.
 */
public final class PlaneSource {

    private final ImagePlus image;
    private final ModelInfo model;
    private final int channel;
    private final List<PlanePosition> positions = new ArrayList<>();

    /**
     * @param channel counted from 1; 0 is the one shown
     * @throws InputException if the image does not fit the model
     */
    public PlaneSource(ImagePlus image, ModelInfo model, int channel, Planes planes) {
        this.image = image;
        this.model = model;
        this.channel = channel == 0 ? image.getC() : channel;
        checkImage();
        choosePositions(planes);
    }

    private void checkImage() {
        if (image.getBitDepth() == 24 && model.getChannels() != 3) {
            String expected = model.getChannels() == 1 ? "one channel" : model.getChannels() + " channels";
            throw new InputException("This is an RGB image, but model " + model.getName() + " expects " + expected
                + ". Use Image > Color > Split Channels or Image > Type > 8-bit.");
        }
        if (channel > image.getNChannels()) {
            throw new InputException("Channel " + channel + " was asked for, but " + image.getTitle() + " has "
                + image.getNChannels() + ". Choose a channel from 1 to " + image.getNChannels() + ".");
        }
        boolean isTooFew = model.getChannels() > 1 && image.getBitDepth() != 24
            && image.getNChannels() != model.getChannels();
        if (isTooFew) {
            throw new InputException("Model " + model.getName() + " expects " + model.getChannels() + " channels, but "
                + image.getTitle() + " has " + image.getNChannels()
                + ". Merge the right channels with Image > Color > Merge Channels.");
        }
    }

    private void choosePositions(Planes planes) {
        if (planes == Planes.ALL) {
            for (int frame = 1; frame <= image.getNFrames(); frame++) {
                for (int slice = 1; slice <= image.getNSlices(); slice++) {
                    positions.add(new PlanePosition(channel, slice, frame, false));
                }
            }
            return;
        }
        boolean isStack = image.getNSlices() > 1 || image.getNFrames() > 1;
        boolean isProjection = planes == Planes.MAX_PROJECTION && isStack;
        int slice = isProjection ? 1 : image.getZ();
        int frame = isProjection && image.getNSlices() == 1 ? 1 : image.getT();
        positions.add(new PlanePosition(channel, slice, frame, isProjection));
    }

    /** Returns the planes to segment, in the order frame, slice. */
    public List<PlanePosition> getPositions() {
        return positions;
    }

    /** Returns the plane as a TIFF with the raw values and the pixel size of the image. */
    public byte[] encode(PlanePosition position) {
        ImageStack stack = new ImageStack(image.getWidth(), image.getHeight());
        if (image.getBitDepth() == 24) {
            ColorProcessor color = (ColorProcessor) read(position, 1);
            for (int i = 1; i <= 3; i++) {
                stack.addSlice(color.getChannel(i, null));
            }
        } else if (model.getChannels() == 1) {
            stack.addSlice(withoutDisplay(read(position, channel)));
        } else {
            for (int i = 1; i <= model.getChannels(); i++) {
                stack.addSlice(withoutDisplay(read(position, i)));
            }
        }
        ImagePlus plane = new ImagePlus(image.getTitle(), stack);
        plane.setDimensions(stack.size(), 1, 1);
        plane.setCalibration(pixelSize());
        return new FileSaver(plane).serialize();
    }

    private Calibration pixelSize() {
        Calibration original = image.getCalibration();
        Calibration calibration = new Calibration();
        calibration.pixelWidth = original.pixelWidth;
        calibration.pixelHeight = original.pixelHeight;
        calibration.setUnit(original.getUnit());
        return calibration;
    }

    private ImageProcessor read(PlanePosition position, int wantedChannel) {
        if (!position.isProjection()) {
            return plane(wantedChannel, position.getSlice(), position.getFrame());
        }
        boolean overFrames = image.getNSlices() == 1;
        int count = overFrames ? image.getNFrames() : image.getNSlices();
        ImageProcessor brightest = null;
        for (int i = 1; i <= count; i++) {
            ImageProcessor next = overFrames ? plane(wantedChannel, 1, i) : plane(wantedChannel, i, position.getFrame());
            if (brightest == null) {
                brightest = next.duplicate();
            } else {
                brightest.copyBits(next, 0, 0, Blitter.MAX);
            }
        }
        return brightest;
    }

    private ImageProcessor plane(int wantedChannel, int slice, int frame) {
        return image.getStack().getProcessor(image.getStackIndex(wantedChannel, slice, frame));
    }

    private static ImageProcessor withoutDisplay(ImageProcessor source) {
        Object pixels = source.getPixels();
        int width = source.getWidth();
        int height = source.getHeight();
        if (pixels instanceof byte[]) {
            return new ByteProcessor(width, height, (byte[]) pixels);
        }
        return pixels instanceof short[] ? new ShortProcessor(width, height, (short[]) pixels, null)
            : new FloatProcessor(width, height, (float[]) pixels);
    }
}
