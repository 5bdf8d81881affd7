package org.deepflash.fiji;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.measure.Calibration;
import ij.measure.ResultsTable;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;

/** Area, place and intensity of single ROIs, in the columns of the table "DeepFLaSH ROIs". */
public final class RoiMeasurements {

    private final ImagePlus image;
    private final ImagePlus intensities;
    private double area;
    private double mean;

    /** @param intensities image of the same size whose grey values are measured */
    public RoiMeasurements(ImagePlus image, ImagePlus intensities) {
        this.image = image;
        this.intensities = intensities;
    }

    /** Adds a row; the plane is that of the ROI, else the one shown. */
    public void append(ResultsTable table, Roi roi) {
        int[] place = placeOf(roi);
        int index = intensities.getStackIndex(Math.min(place[0], intensities.getNChannels()),
            Math.min(place[1], intensities.getNSlices()), Math.min(place[2], intensities.getNFrames()));
        ImageProcessor plane = intensities.getStack().getProcessor(index);
        plane.setRoi(roi);
        ImageStatistics numbers = ImageStatistics.getStatistics(plane);
        Calibration calibration = image.getCalibration();
        String unit = calibration.scaled() ? calibration.getUnit() : "px";
        area = numbers.pixelCount;
        mean = numbers.mean;
        double perimeter = roi.getLength() / calibration.pixelWidth;
        table.addRow();
        table.addValue("Image", image.getTitle());
        table.addValue("ROI", roi.getName() == null ? "" : roi.getName());
        table.addValue("Class", className(roi));
        table.addValue("C", place[0]);
        table.addValue("Z", place[1]);
        table.addValue("T", place[2]);
        table.addValue("Area (" + unit + "^2)", area * calibration.pixelWidth * calibration.pixelHeight);
        table.addValue("Area px", area);
        table.addValue("X", numbers.xCentroid);
        table.addValue("Y", numbers.yCentroid);
        table.addValue("Mean", mean);
        table.addValue("Min", numbers.min);
        table.addValue("Max", numbers.max);
        table.addValue("IntDen", mean * area);
        table.addValue("Circularity", perimeter > 0 ? Math.min(1, 4 * Math.PI * area / (perimeter * perimeter)) : 0);
        addProperty(table, "Probability", roi, "dfl.prob");
        table.addValue("Model", roi.getProperty("dfl.model") == null ? "" : roi.getProperty("dfl.model"));
    }

    private int[] placeOf(Roi roi) {
        int[] place = {image.getC(), image.getZ(), image.getT()};
        if (roi.hasHyperStackPosition()) {
            int[] told = {roi.getCPosition(), roi.getZPosition(), roi.getTPosition()};
            for (int i = 0; i < told.length; i++) {
                place[i] = told[i] > 0 ? told[i] : place[i];
            }
        } else if (roi.getPosition() > 0) {
            place = image.convertIndexToPosition(roi.getPosition());
        }
        return place;
    }

    private static void addProperty(ResultsTable table, String heading, Roi roi, String property) {
        try {
            table.addValue(heading, Double.parseDouble(roi.getProperty(property)));
        } catch (NumberFormatException | NullPointerException error) {
            table.addValue(heading, Double.NaN);
        }
    }

    /** Returns the class that was saved with the ROI, else the first word of a name like cFOS-t001-z001-0042. */
    public static String className(Roi roi) {
        String told = roi.getProperty("dfl.class");
        if (told != null) {
            return told;
        }
        String name = roi.getName() == null ? "" : roi.getName();
        return name.matches(".+-t\\d+-z\\d+-\\d+(-\\d+)?") ? name.replaceFirst("-t\\d+-z\\d+-\\d+(-\\d+)?$", "") : "";
    }

    /** Returns the pixels of the last ROI. */
    public double getArea() {
        return area;
    }

    /** Returns the mean grey value of the last ROI. */
    public double getMean() {
        return mean;
    }

    /** Counts and means of a group. */
    public static final class Summary {

        private int count;
        private double areas;
        private double means;

        /** Adds one ROI. */
        public void add(double area, double mean) {
            count++;
            areas += area;
            means += mean;
        }

        /** Returns the number of ROIs. */
        public int getCount() {
            return count;
        }

        /** Returns the mean of their areas in pixels. */
        public double getMeanArea() {
            return areas / count;
        }

        /** Returns the mean of their mean grey values. */
        public double getMeanIntensity() {
            return means / count;
        }
    }
}
