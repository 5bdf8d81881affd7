package org.deepflash.fiji;

import ij.ImagePlus;
import ij.measure.ResultsTable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The table "DeepFLaSH ROIs". The service measures, so that Fiji, scripts and the command line show the same
 * figures; image, ROI name and position are those of ImageJ.
 */
public final class RoiTable {

    /** Title of the window. */
    public static final String TITLE = "DeepFLaSH ROIs";

    private RoiTable() {
    }

    /** Returns the table of the window, or a new one. */
    public static ResultsTable openOrCreate() {
        ResultsTable open = ResultsTable.getResultsTable(TITLE);
        return open == null ? create() : open;
    }

    /** Returns a table without rows. */
    public static ResultsTable create() {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        table.setNaNEmptyCells(true);
        table.setPrecision(4);
        return table;
    }

    /** Appends one row per ROI, or one row with zero pixels if there is none. */
    public static void append(ResultsTable table, ImagePlus image, SegmentedPlane plane, String model,
            String threshold) {
        List<List<String>> lines = CsvLines.parse(plane.getCsv());
        List<String> names = lines.isEmpty() ? Collections.<String>emptyList() : lines.get(0);
        for (int i = 1; i < lines.size(); i++) {
            table.addRow();
            addPlace(table, image, plane);
            for (int k = 0; k < Math.min(names.size(), lines.get(i).size()); k++) {
                addCell(table, plane, names.get(k), lines.get(i).get(k));
            }
            table.addValue("Model", model);
        }
        if (plane.getRois().isEmpty()) {
            table.addRow();
            addPlace(table, image, plane);
            table.addValue("ROI", "none");
            table.addValue("Area px", 0);
            table.addValue("Model", model);
            table.addValue("Threshold", threshold);
        }
    }

    /** Returns the rows of one image as CSV with the headings of the table. */
    public static byte[] toCsv(ResultsTable table, String image) {
        StringBuilder text = new StringBuilder(toLine(table.getColumnHeadings().trim()));
        for (int row = 0; row < table.size(); row++) {
            if (image.equals(table.getStringValue("Image", row))) {
                text.append(toLine(table.getRowAsString(row)));
            }
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String toLine(String row) {
        return Arrays.stream(row.split("\t", -1)).map(RoiTable::quote).collect(Collectors.joining(",")) + "\n";
    }

    private static String quote(String cell) {
        boolean isPlain = cell.indexOf(',') < 0 && cell.indexOf('"') < 0;
        return isPlain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }

    private static void addPlace(ResultsTable table, ImagePlus image, SegmentedPlane plane) {
        table.addValue("Image", image.getTitle());
        table.addValue("ROI", "");
        table.addValue("Class", "");
        table.addValue("C", plane.getPosition().getChannel());
        table.addValue("Z", plane.getPosition().getSlice());
        table.addValue("T", plane.getPosition().getFrame());
    }

    private static void addCell(ResultsTable table, SegmentedPlane plane, String name, String value) {
        switch (name) {
            case "Image":
            case "C":
            case "Z":
            case "T":
            case "Model":
                return;
            case "ROI":
                table.addValue(name, plane.newName(value));
                return;
            default:
                addValue(table, name, value);
        }
    }

    private static void addValue(ResultsTable table, String name, String value) {
        try {
            table.addValue(name, value.isEmpty() ? Double.NaN : Double.parseDouble(value));
        } catch (NumberFormatException error) {
            table.addValue(name, value);
        }
    }
}
