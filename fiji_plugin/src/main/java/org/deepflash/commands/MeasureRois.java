package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.GenericDialog;
import ij.gui.Roi;
import ij.measure.ResultsTable;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.deepflash.fiji.RoiMeasurements;
import org.deepflash.fiji.RoiTable;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** {@code DFL Measure ROIs...}: area and intensity of the ROIs of the current image, in another image if you like. */
public final class MeasureRois extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("intensity_image",
        "group_by")));
    /** Title of the table of groups. */
    static final String GROUPS = "DeepFLaSH Groups";

    private static final String[] GROUPINGS = {"none", "class", "expert", "group", "plane"};
    private static final String SAME = "same image";

    @Override
    void runWithDialog() {
        Images.needCurrent();
        String[] open = Annotated.titles();
        String[] titles = new String[open.length + 1];
        titles[0] = SAME;
        System.arraycopy(open, 0, titles, 1, open.length);
        GenericDialog dialog = new GenericDialog("DFL Measure ROIs");
        dialog.addChoice("Intensity_image", titles, SAME);
        dialog.addChoice("Group_by", GROUPINGS, GROUPINGS[0]);
        dialog.addMessage("Measures the ROIs of the ROI Manager, else of the overlay. Each ROI is measured\n"
            + "in the plane where it lies. A group gets a row with counts and means.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        measure(OptionText.parse("").with("intensity_image", dialog.getNextChoice())
            .with("group_by", dialog.getNextChoice()));
    }

    @Override
    void runWith(OptionText options) {
        measure(options);
    }

    /** Appends to the table "DeepFLaSH ROIs" and returns the number of ROIs. */
    public static int measure(OptionText options) {
        options.allowOnly(KEYS);
        String grouping = options.get("group_by", GROUPINGS[0]);
        if (!Arrays.asList(GROUPINGS).contains(grouping)) {
            throw new InputException("group_by=" + grouping + " is not known. Choose one of "
                + String.join(", ", GROUPINGS) + ".");
        }
        ImagePlus image = Images.needCurrent();
        String other = options.get("intensity_image", SAME);
        ImagePlus intensities = other.equals(SAME) ? image : Annotated.open(other);
        List<Roi> rois = DrawnRois.find(image);
        if (rois.isEmpty()) {
            throw DrawnRois.missing(image);
        }
        boolean fits = image.getWidth() == intensities.getWidth() && image.getHeight() == intensities.getHeight();
        if (!fits) {
            throw new InputException(intensities.getTitle() + " has another size than " + image.getTitle()
                + ". Choose an intensity image of the same size.");
        }
        ResultsTable table = RoiTable.openOrCreate();
        TreeMap<String, RoiMeasurements.Summary> groups = new TreeMap<>();
        RoiMeasurements measurements = new RoiMeasurements(image, intensities);
        for (Roi roi : rois) {
            measurements.append(table, roi);
            groups.computeIfAbsent(groupOf(roi, grouping), name -> new RoiMeasurements.Summary())
                .add(measurements.getArea(), measurements.getMean());
        }
        table.show(RoiTable.TITLE);
        if (!grouping.equals(GROUPINGS[0])) {
            showGroups(groups, grouping, image);
        }
        return rois.size();
    }

    private static String groupOf(Roi roi, String grouping) {
        switch (grouping) {
            case "class":
                return RoiMeasurements.className(roi);
            case "expert":
                return roi.getProperty("dfl.expert") == null ? "" : roi.getProperty("dfl.expert");
            case "group":
                return String.valueOf(roi.getGroup());
            case "plane":
                return roi.hasHyperStackPosition() ? "c" + roi.getCPosition() + " z" + roi.getZPosition() + " t"
                    + roi.getTPosition() : String.valueOf(roi.getPosition());
            default:
                return "";
        }
    }

    private static void showGroups(TreeMap<String, RoiMeasurements.Summary> groups, String grouping, ImagePlus image) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        groups.forEach((name, summary) -> {
            table.addRow();
            table.addValue("Image", image.getTitle());
            table.addValue(grouping, name);
            table.addValue("ROIs", summary.getCount());
            table.addValue("Mean area px", summary.getMeanArea());
            table.addValue("Mean intensity", summary.getMeanIntensity());
        });
        table.show(GROUPS);
    }
}
