package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.measure.ResultsTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.deepflash.client.DatasetClient;
import org.deepflash.client.GeoJsonSizes;
import org.deepflash.client.PairAgreement;
import org.deepflash.client.PairReport;
import org.deepflash.client.PairVerdict;
import org.deepflash.fiji.ExpertFolders;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiSizes;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/**
 * {@code DFL Check Pairs...}: does every image have its annotations, and do they fit? The service judges, as it will
 * before a training, so nothing passes here that is refused there.
 */
public final class CheckPairs extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("image_folder",
        "mask_folders", "experts")));
    /** Title of the table of the sizes. */
    static final String SIZES = "DeepFLaSH ROI Sizes";

    private static final String PREFIX = "deepflash.train.";

    @Override
    void runWithDialog() throws IOException {
        GenericDialog dialog = new GenericDialog("DFL Check Pairs");
        dialog.addDirectoryField("Image_folder", Prefs.get(PREFIX + "image_folder", ""), 36);
        dialog.addDirectoryField("Mask_folders", Prefs.get(PREFIX + "mask_folders", ""), 36);
        dialog.addStringField("Experts", "", 36);
        dialog.addMessage("Mask folders: a folder with one folder per expert, or anna=DIR;ben=DIR.\n"
            + "Experts: names with commas between; empty = all.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("image_folder", dialog.getNextString().trim())
            .with("mask_folders", dialog.getNextString().trim()).with("experts", dialog.getNextString().trim());
        Prefs.set(PREFIX + "image_folder", options.need("image_folder"));
        Prefs.set(PREFIX + "mask_folders", options.need("mask_folders"));
        check(options);
    }

    @Override
    void runWith(OptionText options) throws IOException {
        check(options);
    }

    /** Shows the tables, tells sizes and agreement in the Log, and returns how many pairs fit and how many do not. */
    public static String check(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        Path images = Paths.get(options.need("image_folder"));
        Map<String, List<Path>> masks = choose(ExpertFolders.find(options.need("mask_folders")),
            options.get("experts", ""));
        DatasetClient client = Connector.connect().datasets();
        DatasetUpload data = DatasetUpload.sendAny(client, "check", images, masks);
        try {
            PairReport report = client.judgePairs(data.getId(), new LongWork("checking the pairs"));
            PairTable table = new PairTable(report.getVerdicts(), data.getRefused());
            table.show();
            tellSizes(withoutRefused(masks, data.getRefused()));
            report.getWarnings().forEach(warning -> IJ.log("DeepFLaSH: " + warning));
            tellAgreement(report);
            String summary = table.summarize();
            IJ.log("DeepFLaSH: " + summary + ".");
            return summary;
        } finally {
            data.discard();
        }
    }

    private static Map<String, List<Path>> choose(Map<String, List<Path>> experts, String names) {
        if (names.isEmpty()) {
            return experts;
        }
        Map<String, List<Path>> chosen = new LinkedHashMap<>();
        for (String name : names.split(",")) {
            if (!experts.containsKey(name.trim())) {
                throw new InputException("There is no expert " + name.trim() + ". Known are "
                    + String.join(", ", experts.keySet()) + ".");
            }
            chosen.put(name.trim(), experts.get(name.trim()));
        }
        return chosen;
    }

    /** What the service refused as no annotation says nothing about the size of ROIs. */
    private static Map<String, List<Path>> withoutRefused(Map<String, List<Path>> masks, List<PairVerdict> refused) {
        Map<String, List<Path>> left = new LinkedHashMap<>();
        masks.forEach((expert, files) -> {
            List<Path> kept = new ArrayList<>(files);
            kept.removeIf(file -> refused.stream().anyMatch(one -> one.getExpert().equals(expert)
                && one.getFile().equals(file.getFileName().toString())));
            left.put(expert, kept);
        });
        return left;
    }

    private static void tellSizes(Map<String, List<Path>> experts) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        experts.forEach((expert, files) -> {
            List<Integer> sizes = new ArrayList<>();
            for (Path file : files) {
                try {
                    sizes.addAll(measure(file));
                } catch (IOException | RuntimeException error) {
                    IJ.log("DeepFLaSH: " + Failures.toSentence(error));
                }
            }
            IJ.log("DeepFLaSH: " + expert + ": " + sizes.size() + " ROIs in " + files.size() + " files, smallest "
                + RoiSizes.smallest(sizes) + " px, median " + RoiSizes.median(sizes) + " px.");
            table.addRow();
            table.addValue("Expert", expert);
            table.addValue("Files", files.size());
            table.addValue("ROIs", sizes.size());
            table.addValue("Smallest px", RoiSizes.smallest(sizes));
            table.addValue("Median px", RoiSizes.median(sizes));
        });
        table.show(SIZES);
    }

    private static List<Integer> measure(Path file) throws IOException {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".geojson")) {
            return GeoJsonSizes.measure(Files.readAllBytes(file), file.toString());
        }
        boolean isSet = name.endsWith(".roi") || name.endsWith(".zip");
        return isSet ? RoiSizes.measure(RoiFiles.read(file)) : RoiSizes.measure(Images.open(file));
    }

    /** Where experts could be compared and were not, the warnings say why. */
    private static void tellAgreement(PairReport report) {
        if (report.getAgreement().isEmpty() && !report.isComparable()) {
            DatasetUpload.tellNothingToCompare();
        }
        for (PairAgreement pair : report.getAgreement()) {
            IJ.log(String.format(Locale.ROOT, "DeepFLaSH: %s and %s agree with F1 %.3f, ROI Jaccard %.3f, pixel Jaccard"
                + " %.3f.", pair.getFirst(), pair.getSecond(), pair.get("f1"), pair.get("roi_jaccard"),
                pair.get("pixel_jaccard")));
        }
    }
}
