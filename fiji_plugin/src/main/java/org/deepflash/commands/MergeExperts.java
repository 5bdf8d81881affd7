package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.measure.ResultsTable;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deepflash.client.DatasetClient;
import org.deepflash.client.PairAgreement;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** {@code DFL Merge Experts...}: one consensus mask per image, and a table of how well the experts agree. */
public final class MergeExperts extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("image_folder",
        "mask_folders", "output_folder", "method", "min_experts", "overwrite")));
    /** Title of the table. */
    static final String TITLE = "DeepFLaSH Agreement";

    private static final List<String> METHODS = Arrays.asList("auto", "staple", "majority", "union", "intersection",
        "objects");
    private static final String PREFIX = "deepflash.train.";
    private static final String[] SCORES = {"pixel_jaccard", "dice", "kappa", "roi_jaccard", "f1"};
    private static final String[] HEADINGS = {"Pixel Jaccard", "Dice coefficient", "Cohen's kappa", "ROI Jaccard",
        "F1"};

    @Override
    void runWithDialog() throws IOException {
        GenericDialog dialog = new GenericDialog("DFL Merge Experts");
        dialog.addDirectoryField("Image_folder", Prefs.get(PREFIX + "image_folder", ""), 36);
        dialog.addDirectoryField("Mask_folders", Prefs.get(PREFIX + "mask_folders", ""), 36);
        dialog.addDirectoryField("Output_folder", Prefs.get(PREFIX + "output_folder", ""), 36);
        dialog.addChoice("Method", METHODS.toArray(new String[0]), METHODS.get(0));
        dialog.addNumericField("Min_experts", 2, 0);
        dialog.addCheckbox("Overwrite earlier consensus masks", false);
        dialog.addMessage("Mask folders: a folder with one folder per expert, or anna=DIR;ben=DIR.\n"
            + "auto = staple from 4 experts, else majority. Images with fewer experts are left out.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("image_folder", dialog.getNextString().trim())
            .with("mask_folders", dialog.getNextString().trim()).with("output_folder", dialog.getNextString().trim())
            .with("method", dialog.getNextChoice())
            .with("min_experts", String.valueOf((int) dialog.getNextNumber()));
        for (String key : new String[] {"image_folder", "mask_folders", "output_folder"}) {
            Prefs.set(PREFIX + key, options.need(key));
        }
        merge(dialog.getNextBoolean() ? options.with("overwrite", "true") : options);
    }

    @Override
    void runWith(OptionText options) throws IOException {
        merge(options);
    }

    /** Writes the masks, shows the table, and returns how many images were merged and left out. */
    public static String merge(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        String method = options.get("method", METHODS.get(0));
        if (!METHODS.contains(method)) {
            throw new InputException("method=" + method + " is not known. Choose one of " + String.join(", ", METHODS)
                + ".");
        }
        Path output = Paths.get(options.need("output_folder"));
        DatasetClient client = Connector.connect().datasets();
        DatasetUpload data = DatasetUpload.send(client, "merge", Paths.get(options.need("image_folder")),
            options.need("mask_folders"));
        try {
            data.getProblems().forEach(problem -> IJ.log("DeepFLaSH: left out. " + problem));
            Map<String, Path> files = chooseFiles(data.getPairs(), output, options);
            for (Map.Entry<String, Path> file : files.entrySet()) {
                AtomicFiles.write(file.getValue(), client.getConsensus(data.getId(), file.getKey(), method,
                    new LongWork("merging the experts of " + file.getKey())));
            }
            show(data.compareExperts());
            String summary = files.size() + " merged, " + (data.getPairs().size() - files.size())
                + " with too few experts";
            IJ.log("DeepFLaSH: " + summary + ".");
            return summary;
        } finally {
            data.discard();
        }
    }

    /** Returns image to file; nothing is written if one of them would replace another. */
    private static Map<String, Path> chooseFiles(Map<String, List<String>> pairs, Path output, OptionText options) {
        int fewest = options.getInt("min_experts", 2);
        Map<String, Path> files = new LinkedHashMap<>();
        pairs.forEach((image, experts) -> {
            if (experts.size() < fewest) {
                IJ.log("DeepFLaSH: left out. " + image + " has " + experts.size() + " expert(s).");
                return;
            }
            Path file = output.resolve(RoiPairing.stem(image) + ".tif");
            Annotation.refuseExisting(file, options.has("overwrite"));
            files.put(image, file);
        });
        return files;
    }

    private static void show(List<PairAgreement> pairs) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        for (PairAgreement pair : pairs) {
            table.addRow();
            table.addValue("Expert", pair.getFirst());
            table.addValue("Other expert", pair.getSecond());
            for (int i = 0; i < SCORES.length; i++) {
                table.addValue(HEADINGS[i], pair.get(SCORES[i]));
            }
        }
        table.show(TITLE);
    }
}
