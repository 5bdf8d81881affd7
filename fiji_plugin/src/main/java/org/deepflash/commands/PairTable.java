package org.deepflash.commands;

import ij.WindowManager;
import ij.measure.ResultsTable;
import java.awt.Frame;
import java.awt.Toolkit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.deepflash.client.PairVerdict;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.RoiPairing;

/** The table of {@code DFL Check Pairs...}: one verdict per image and expert, with cause and remedy. */
final class PairTable {

    /** Title of the table. */
    static final String TITLE = "DeepFLaSH Pairs";

    private static final int WIDTH = 1300;
    private static final String SIZE = "size";
    private static final String UNREADABLE = "unreadable";

    private final List<PairVerdict> rows;

    /**
     * @param verdicts of the service about what it took
     * @param refused files that it did not take
     */
    PairTable(List<PairVerdict> verdicts, List<PairVerdict> refused) {
        rows = new ArrayList<>(verdicts);
        refused.forEach(one -> {
            if (one.getExpert().isEmpty()) {
                placeImage(one);
            } else {
                placeAnnotation(one);
            }
        });
    }

    /** Returns the verdict on a file that the service refused; of an image the expert is empty. */
    static PairVerdict refuse(String file, String expert, ServiceException error) {
        String fault = error.getFault().isEmpty() ? UNREADABLE : error.getFault();
        String word = error.getCode().equals("shape_mismatch") ? SIZE : fault;
        boolean isImage = expert.isEmpty();
        return new PairVerdict(isImage ? file : "", expert, isImage ? "" : file).judged(word, error.getMessage());
    }

    /** For the service, the annotations of an image that it refused have no image. */
    private void placeImage(PairVerdict refused) {
        List<PairVerdict> without = find(row -> row.getImage().isEmpty()
            && RoiPairing.belongTogether(refused.getImage(), row.getFile(), true));
        if (without.isEmpty()) {
            rows.add(refused);
        }
        for (PairVerdict row : without) {
            replace(row, new PairVerdict(refused.getImage(), row.getExpert(), row.getFile()), refused);
        }
    }

    /** For the service, the image of an annotation that it refused has none of that expert. */
    private void placeAnnotation(PairVerdict refused) {
        List<PairVerdict> without = find(row -> isPlaceOf(row, refused, false));
        if (without.isEmpty()) {
            without = find(row -> isPlaceOf(row, refused, true));
        }
        if (without.size() == 1) {
            PairVerdict row = without.get(0);
            replace(row, new PairVerdict(row.getImage(), row.getExpert(), refused.getFile()), refused);
        } else {
            rows.add(refused);
        }
    }

    private static boolean isPlaceOf(PairVerdict row, PairVerdict refused, boolean isLoose) {
        return row.getFile().isEmpty() && row.getExpert().equals(refused.getExpert())
            && RoiPairing.belongTogether(row.getImage(), refused.getFile(), isLoose);
    }

    private List<PairVerdict> find(Predicate<PairVerdict> isWanted) {
        List<PairVerdict> found = new ArrayList<>(rows);
        found.removeIf(row -> !row.getWord().equals(PairVerdict.MISSING) || !isWanted.test(row));
        return found;
    }

    private void replace(PairVerdict row, PairVerdict place, PairVerdict judgement) {
        rows.set(rows.indexOf(row), place.judged(judgement.getWord(), judgement.getAdvice()));
    }

    /** Returns the rows, in the order of the service. */
    List<PairVerdict> getRows() {
        return Collections.unmodifiableList(rows);
    }

    /** Shows the table in place of an earlier one. */
    void show() {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        for (PairVerdict row : rows) {
            table.addRow();
            table.addValue("Image", row.getImage());
            table.addValue("Expert", row.getExpert());
            table.addValue("Annotation", row.getFile());
            table.addValue("Verdict", row.getWord());
            table.addValue("ROIs", number(row.getRois(), "%.0f"));
            table.addValue("F1 of experts", number(row.getF1(), "%.3f"));
            table.addValue("Jaccard of experts", number(row.getJaccard(), "%.3f"));
            table.addValue("What to do", row.getAdvice().replaceAll("\\s+", " "));
        }
        table.show(TITLE);
        Frame window = WindowManager.getFrame(TITLE);
        if (window != null) {
            // The remedies stand in the last column.
            int screen = Toolkit.getDefaultToolkit().getScreenSize().width;
            window.setSize(Math.max(window.getWidth(), Math.min(WIDTH, screen - window.getX())), window.getHeight());
        }
    }

    private static String number(double value, String format) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }

    /** Returns how many pairs fit, and how many rows need a look. */
    String summarize() {
        long fitting = rows.stream().filter(row -> row.getWord().equals(PairVerdict.FITS)).count();
        return fitting + " pairs fit, " + (rows.size() - fitting) + " problems";
    }
}
