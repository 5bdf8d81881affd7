package org.deepflash.fiji;

import ij.measure.ResultsTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deepflash.records.ModelInfo;

/** The table "DeepFLaSH Models", and its rows as text. */
public final class ModelTable {

    /** Title of the window. */
    public static final String TITLE = "DeepFLaSH Models";

    private static final List<String> FACTS = Arrays.asList("Base", "Target", "Pixel size", "Epochs", "Pixel Jaccard",
        "ROI Jaccard", "Created", "Author");

    private ModelTable() {
    }

    /** Shows the models in the window, in place of what was there. */
    public static void show(List<ModelInfo> models) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        List<String> headings = headings();
        for (ModelInfo model : models) {
            table.addRow();
            List<String> cells = cells(model);
            for (int i = 0; i < cells.size(); i++) {
                table.addValue(headings.get(i), cells.get(i));
            }
        }
        table.show(TITLE);
    }

    /** Returns heading and rows, cells parted by tabs. */
    public static String toText(List<ModelInfo> models) {
        StringBuilder text = new StringBuilder(String.join("\t", headings()));
        models.forEach(model -> text.append('\n').append(String.join("\t", cells(model))));
        return text.toString();
    }

    private static List<String> headings() {
        List<String> headings = new ArrayList<>(Arrays.asList("Name", "Version"));
        headings.addAll(FACTS);
        return headings;
    }

    private static List<String> cells(ModelInfo model) {
        List<String> cells = new ArrayList<>(Arrays.asList(model.getName(), String.valueOf(model.getVersion())));
        FACTS.forEach(fact -> cells.add(fact.equals("Created") ? JobTable.toMinutes(value(model, fact))
            : value(model, fact)));
        return cells;
    }

    private static String value(ModelInfo model, String fact) {
        return model.getFacts().getOrDefault(fact, "");
    }

    /** Returns everything that is known about one version, a line per fact. */
    public static String describe(ModelInfo model) {
        StringBuilder text = new StringBuilder("Model: " + model.getName() + "@" + model.getVersion() + "\n");
        text.append("Threshold: ").append(model.getThreshold()).append('\n');
        text.append("Minimum ROI size: ").append(model.getMinRoiSize()).append(" px\n");
        text.append("Channels: ").append(model.getChannels()).append('\n');
        model.getFacts().forEach((name, value) -> text.append(value.isEmpty() ? "" : name + ": "
            + (name.equals("Created") ? JobTable.toMinutes(value) : value) + "\n"));
        return text.toString().trim();
    }
}
