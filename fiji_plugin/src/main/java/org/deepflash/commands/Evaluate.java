package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.measure.ResultsTable;
import java.io.IOException;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.deepflash.client.Connection;
import org.deepflash.client.EvaluationClient;
import org.deepflash.client.JobWatcher;
import org.deepflash.client.ScoreRow;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.OptionField;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;

/** {@code DFL Evaluate...}: how well predictions agree with what experts marked, per image and on average. */
public final class Evaluate extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("prediction", "truth",
        "model", "level", "threshold", "min_roi_size", "iou_match")));
    /** The options of the service for which there is a key above. */
    static final Set<String> OWN = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("dataset", "model",
        "threshold", "min_roi_size", "iou")));
    /** Title of the table. */
    static final String TITLE = "DeepFLaSH Evaluation";

    private static final String KIND = "evaluation";
    private static final String NO_MODEL = "none";
    private static final String[] LEVELS = {"both", "pixel", "roi"};
    private static final String PREFIX = "deepflash.evaluate.";

    @Override
    void runWithDialog() throws IOException {
        ServiceClient client = Connector.connect();
        OptionFields known = ServiceFields.load(client, KIND, OWN);
        ServiceFields fields = new ServiceFields(known);
        List<String> models = new ArrayList<>(Collections.singletonList(NO_MODEL));
        client.listModels().forEach(model -> models.add(model.getName()));
        GenericDialog dialog = new GenericDialog("DFL Evaluate");
        dialog.addDirectoryField("Prediction", Prefs.get(PREFIX + "prediction", ""), 36);
        dialog.addDirectoryField("Truth", Prefs.get(PREFIX + "truth", ""), 36);
        dialog.addMessage("A folder, a file, or the title of an open image. Masks, label images or ROI sets; files are"
            + "\npaired by name. Of a folder that DFL Segment... wrote, the label images are taken."
            + "\nWith a model, Prediction is a folder of images, which the model segments first.");
        dialog.addChoice("Model", models.toArray(new String[0]), NO_MODEL);
        dialog.addChoice("Level", LEVELS, LEVELS[0]);
        dialog.addStringField("Threshold", "", 8);
        dialog.addStringField("Min_ROI_size", "", 8);
        dialog.addNumericField("IoU_match", 0.5, 2);
        fields.addTo(dialog, "Threshold: 0 to 1, for probability maps. Min ROI size: pixels. Empty = as they are."
            + "\nIoU match: two ROIs match when they share at least this part of what they cover together."
            + "\nPixel size and separation are for a model:");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("prediction", dialog.getNextString().trim())
            .with("truth", dialog.getNextString().trim()).with("model", dialog.getNextChoice())
            .with("level", dialog.getNextChoice())
            .with("threshold", dialog.getNextString().trim()).with("min_roi_size", dialog.getNextString().trim())
            .with("iou_match", String.valueOf(dialog.getNextNumber()));
        options = fields.readFrom(dialog, options);
        Prefs.set(PREFIX + "prediction", options.need("prediction"));
        Prefs.set(PREFIX + "truth", options.need("truth"));
        evaluate(options, known);
    }

    @Override
    void runWith(OptionText options) throws IOException {
        evaluate(options);
    }

    /** Shows the table and returns the mean scores as {@code name=value} lines. */
    public static String evaluate(OptionText options) throws IOException {
        return evaluate(options, ServiceFields.loadFor(options, KEYS, KIND, OWN));
    }

    private static String evaluate(OptionText options, OptionFields fields) throws IOException {
        options.allowOnly(fields.addTo(KEYS));
        String level = options.get("level", LEVELS[0]);
        if (!Arrays.asList(LEVELS).contains(level)) {
            throw new InputException("level=" + level + " is not known. Choose one of " + String.join(", ", LEVELS)
                + ".");
        }
        Map<String, Object> values = new LinkedHashMap<>(fields.read(options));
        values.putAll(readNumbers(options));
        boolean isOfModel = !options.get("model", NO_MODEL).equals(NO_MODEL);
        List<ScoreRow> rows = isOfModel ? compareModel(options, values) : compareFiles(options, values);
        show(rows, level);
        return describe(rows.get(rows.size() - 1));
    }

    private static List<ScoreRow> compareFiles(OptionText options, Map<String, Object> values) throws IOException {
        String prediction = options.need("prediction");
        String truth = options.need("truth");
        String name = Annotated.isSingle(prediction) && Annotated.isSingle(truth) ? "image" : null;
        Map<String, byte[]> predictions = Annotated.read(prediction, name);
        Map<String, byte[]> truths = Annotated.read(truth, name);
        Connection connection = Connector.open();
        return await(connection, connection.client().evaluations().submit(values, predictions, truths));
    }

    /** The service segments the images itself, so that the scores are those of the model as it is used. */
    private static List<ScoreRow> compareModel(OptionText options, Map<String, Object> values) throws IOException {
        Connection connection = Connector.open();
        DatasetUpload data = DatasetUpload.send(connection.client().datasets(), "evaluate",
            Paths.get(options.need("prediction")), options.need("truth"));
        try {
            data.getProblems().forEach(problem -> IJ.log("DeepFLaSH: left out. " + problem));
            values.put("dataset", data.getId());
            values.put("model", options.need("model"));
            return await(connection, connection.client().evaluations().submit(values));
        } finally {
            data.discard();
        }
    }

    private static List<ScoreRow> await(Connection connection, Job job) {
        new JobWatcher(connection, new ImageJProgress(0, 1), StoredSettings.load().getTimeout()).await(job);
        IJ.showProgress(1.0);
        return EvaluationClient.read(connection.client().getResult(job.getId(), "evaluation.json"));
    }

    private static Map<String, Object> readNumbers(OptionText options) {
        Map<String, Object> numbers = new LinkedHashMap<>(new OptionFields(Arrays.asList(
            new OptionField("threshold", OptionField.Kind.NUMBER), new OptionField("min_roi_size",
            OptionField.Kind.WHOLE), new OptionField("iou_match", OptionField.Kind.NUMBER))).read(options));
        Object iou = numbers.remove("iou_match");
        if (iou != null) {
            numbers.put("iou", iou);
        }
        return numbers;
    }

    private static void show(List<ScoreRow> rows, String level) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        for (ScoreRow row : rows) {
            table.addRow();
            table.addValue("Image", row.getName());
            if (!level.equals("roi")) {
                table.addValue("Pixel Jaccard", row.get("pixel_jaccard"));
                table.addValue("Dice coefficient", row.get("dice"));
            }
            if (!level.equals("pixel")) {
                table.addValue("ROI Jaccard", row.get("roi_jaccard"));
                table.addValue("Precision", row.get("precision"));
                table.addValue("Recall", row.get("recall"));
                table.addValue("F1", row.get("f1"));
                table.addValue("TP", row.get("matched"));
                table.addValue("FP", row.get("predicted") - row.get("matched"));
                table.addValue("FN", row.get("expected") - row.get("matched"));
            }
        }
        table.show(TITLE);
    }

    private static String describe(ScoreRow mean) {
        StringBuilder text = new StringBuilder();
        for (String name : new String[] {"pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1"}) {
            text.append(name).append('=').append(String.format(Locale.ROOT, "%.4f", mean.get(name))).append('\n');
        }
        return text.toString().trim();
    }
}
