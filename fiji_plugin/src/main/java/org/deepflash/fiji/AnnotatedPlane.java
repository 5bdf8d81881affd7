package org.deepflash.fiji;

import ij.ImagePlus;
import ij.ImageStack;
import ij.gui.Roi;
import ij.io.FileSaver;
import ij.io.Opener;
import ij.measure.Calibration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.deepflash.records.InputException;

/** The ROIs of one plane of an image; an annotation belongs to one plane, so those of a stack are several. */
public final class AnnotatedPlane {

    private final ImagePlus image;
    private final int[] position;
    private final List<Roi> rois;

    private AnnotatedPlane(ImagePlus image, int[] position, List<Roi> rois) {
        this.image = image;
        this.position = position;
        this.rois = Collections.unmodifiableList(rois);
    }

    /**
     * Divides ROIs by the planes on which they lie, sorted by frame and slice.
     *
     * <p>An annotation holds for all channels of a plane, on whichever of them a ROI was drawn. A ROI without position
     * belongs to the plane shown.
     *
     * In an image of one plane positions mean nothing: they are left over from where the ROIs were drawn.
     *
     * @param notes gets a sentence if a ROI has no position in a stack
     * @return one plane, the one that is shown, if there is no ROI
     * @throws InputException if a ROI lies on a plane that the image does not have
     */
    public static List<AnnotatedPlane> divide(List<Roi> rois, ImagePlus image, List<String> notes) {
        List<int[]> positions = new ArrayList<>();
        int unplaced = 0;
        for (Roi roi : rois) {
            int[] position = read(roi, image);
            boolean isUnplaced = position[1] == 0 && image.getNSlices() > 1
                || position[2] == 0 && image.getNFrames() > 1;
            unplaced += isUnplaced ? 1 : 0;
            position[1] = position[1] == 0 ? image.getZ() : position[1];
            position[2] = position[2] == 0 ? image.getT() : position[2];
            check(roi, position, image);
            positions.add(position);
        }
        if (unplaced > 0) {
            notes.add("DeepFLaSH: " + unplaced + " of " + rois.size() + " ROIs have no position in the stack; they were"
                + " saved with the plane shown (slice " + image.getZ() + ", frame " + image.getT() + ").");
        }
        return group(rois, positions, image);
    }

    private static List<AnnotatedPlane> group(List<Roi> rois, List<int[]> positions, ImagePlus image) {
        Map<String, AnnotatedPlane> planes = new TreeMap<>();
        for (int i = 0; i < rois.size(); i++) {
            int[] position = positions.get(i);
            String key = String.format(Locale.ROOT, "%09d-%09d", position[2], position[1]);
            List<Roi> own = new ArrayList<>(planes.containsKey(key) ? planes.get(key).rois
                : Collections.<Roi>emptyList());
            own.add(rois.get(i));
            planes.put(key, new AnnotatedPlane(image, position, own));
        }
        if (planes.isEmpty()) {
            int[] shown = {image.getC(), image.getZ(), image.getT()};
            planes.put("", new AnnotatedPlane(image, shown, new ArrayList<>()));
        }
        return new ArrayList<>(planes.values());
    }

    private static int[] read(Roi roi, ImagePlus image) {
        if (image.getStackSize() == 1) {
            return new int[3];
        }
        if (roi.hasHyperStackPosition()) {
            return new int[] {roi.getCPosition(), roi.getZPosition(), roi.getTPosition()};
        }
        int number = roi.getPosition();
        if (number > image.getStackSize()) {
            throw refuse(roi, "plane " + number, image);
        }
        return number <= 0 ? new int[3] : image.convertIndexToPosition(number);
    }

    private static void check(Roi roi, int[] position, ImagePlus image) {
        boolean isThere = position[0] <= image.getNChannels() && position[1] <= image.getNSlices()
            && position[2] <= image.getNFrames();
        if (!isThere) {
            throw refuse(roi, "channel " + position[0] + ", slice " + position[1] + ", frame " + position[2], image);
        }
    }

    private static InputException refuse(Roi roi, String place, ImagePlus image) {
        return new InputException("The ROI " + roi.getName() + " lies on " + place + ", which " + image.getTitle()
            + " does not have. It belongs to another image: remove it from the ROI Manager, then save again.");
    }

    /** Tells whether a file without ending is an annotation of a plane of a stack of that name. */
    static boolean isNamed(String file, String image) {
        return file.startsWith(image) && file.substring(image.length()).matches("-t\\d{3,}-z\\d{3,}(_RoiSet)?");
    }

    /** Returns the planes of an image by what comes after its name in the files of each; one entry if it is no stack. */
    public static Map<String, AnnotatedPlane> list(ImagePlus image) {
        Map<String, AnnotatedPlane> planes = new TreeMap<>();
        for (int frame = 1; frame <= image.getNFrames(); frame++) {
            for (int slice = 1; slice <= image.getNSlices(); slice++) {
                AnnotatedPlane plane = new AnnotatedPlane(image, new int[] {1, slice, frame}, new ArrayList<>());
                planes.put(plane.getSuffix(), plane);
            }
        }
        return planes;
    }

    /** Returns what comes after the name of the image: nothing for a single plane, else {@code -t001-z003}. */
    public String getSuffix() {
        return suffixOf(image, position[1], position[2]);
    }

    /** Returns {@link #getSuffix} of the plane that an image shows. */
    public static String suffixOfShown(ImagePlus image) {
        return suffixOf(image, image.getZ(), image.getT());
    }

    private static String suffixOf(ImagePlus image, int slice, int frame) {
        boolean isStack = image.getNSlices() > 1 || image.getNFrames() > 1;
        return isStack ? String.format(Locale.ROOT, "-t%03d-z%03d", frame, slice) : "";
    }

    /** Returns the ROIs as those of an image that is this plane only: copies without position, in a stack. */
    public List<Roi> getRois() {
        if (image.getStackSize() == 1) {
            return rois;
        }
        List<Roi> copies = new ArrayList<>();
        for (Roi roi : rois) {
            Roi copy = (Roi) roi.clone();
            copy.setPosition(0);
            copies.add(copy);
        }
        return copies;
    }

    /** Lays ROIs of this plane, saved without position, where they belong in the stack. */
    public void place(List<Roi> planeRois) {
        for (Roi roi : planeRois) {
            if (image.getNSlices() * image.getNFrames() > 1 && image.isHyperStack()) {
                roi.setPosition(0, position[1], position[2]);
            } else if (image.getNSlices() * image.getNFrames() > 1) {
                roi.setPosition(image.getStackIndex(1, position[1], position[2]));
            }
        }
    }

    /** Returns the slice, from 1. */
    public int getSlice() {
        return position[1];
    }

    /** Returns the frame, from 1. */
    public int getFrame() {
        return position[2];
    }

    /** Returns the plane as a TIFF with raw values and pixel size: all of its channels. */
    public byte[] encode() {
        ImageStack stack = new ImageStack(image.getWidth(), image.getHeight());
        for (int channel = 1; channel <= image.getNChannels(); channel++) {
            stack.addSlice(image.getStack().getProcessor(image.getStackIndex(channel, position[1], position[2])));
        }
        ImagePlus single = new ImagePlus(image.getTitle(), stack);
        single.setDimensions(stack.size(), 1, 1);
        single.setCalibration(Calibrations.spatial(image));
        return new FileSaver(single).serialize();
    }

    /**
     * Tells whether an image has the pixels and the pixel size of an encoded one; the display range does not count.
     *
     * @param encoded the bytes of {@link #encode}
     */
    public static boolean isSame(ImagePlus image, byte[] encoded) {
        ImagePlus other = new Opener().deserialize(encoded);
        Calibration size = image.getCalibration();
        Calibration otherSize = other.getCalibration();
        boolean isSame = Arrays.equals(image.getDimensions(), other.getDimensions())
            && image.getBitDepth() == other.getBitDepth() && size.getUnit().equals(otherSize.getUnit())
            && size.pixelWidth == otherSize.pixelWidth && size.pixelHeight == otherSize.pixelHeight;
        for (int plane = 1; isSame && plane <= image.getStackSize(); plane++) {
            isSame = Objects.deepEquals(image.getStack().getPixels(plane), other.getStack().getPixels(plane));
        }
        return isSame;
    }
}
