package org.deepflash.fiji;

import ij.ImagePlus;
import ij.gui.Roi;

/** Where a segmented plane lies in its image; channel, slice and frame count from 1. */
public final class PlanePosition {

    private final int channel;
    private final int slice;
    private final int frame;
    private final boolean isProjection;

    PlanePosition(int channel, int slice, int frame, boolean isProjection) {
        this.channel = channel;
        this.slice = slice;
        this.frame = frame;
        this.isProjection = isProjection;
    }

    /** Returns the channel. */
    public int getChannel() {
        return channel;
    }

    /** Returns the slice; 1 for a projection over slices. */
    public int getSlice() {
        return slice;
    }

    /** Returns the frame; 1 for a projection over frames. */
    public int getFrame() {
        return frame;
    }

    /** Tells whether the plane is a projection and so has no single position along the stack. */
    public boolean isProjection() {
        return isProjection;
    }

    /** Gives a ROI the position of this plane, in the way that fits the image: none, a slice, or channel, slice, frame. */
    void place(Roi roi, ImagePlus image) {
        int axes = (image.getNChannels() > 1 ? 1 : 0) + (image.getNSlices() > 1 ? 1 : 0)
            + (image.getNFrames() > 1 ? 1 : 0);
        if (axes == 0) {
            roi.setPosition(0);
        } else if (axes > 1) {
            boolean isFrameProjected = isProjection && image.getNSlices() == 1;
            roi.setPosition(image.getNChannels() > 1 ? channel : 0, isProjection ? 0 : slice,
                isFrameProjected ? 0 : frame);
        } else {
            roi.setPosition(isProjection ? 0 : image.getStackIndex(channel, slice, frame));
        }
    }
}
