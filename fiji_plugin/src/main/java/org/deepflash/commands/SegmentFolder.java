package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.Planes;
import org.deepflash.records.SegmentSettings;

/** {@code DFL Segment Folder...}: segments the images of a folder, saves what was found, and tells what failed. */
public final class SegmentFolder extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("model", "input_folder",
        "filter", "recursive", "output_folder", "suffix", "skip_existing", "overwrite", "channel", "planes",
        "threshold", "min_roi_size", "mask", "labels", "probability")));

    private static final String PREFIX = "deepflash.folder.";
    private static final String[] BOXES = {"mask", "labels", "probability", "skip_existing", "overwrite"};

    @Override
    void runWithDialog() throws IOException {
        ServiceClient client = Connector.connect();
        List<ModelInfo> models = client.listModels();
        SegmentDialog.refuseEmpty(models);
        OptionFields known = ServiceFields.load(client, Segment.KIND, SegmentSettings.OWN);
        ServiceFields fields = new ServiceFields(known);
        GenericDialog dialog = new GenericDialog("DFL Segment Folder");
        addPlaces(dialog, models);
        dialog.addStringField("Channel", "", 8);
        dialog.addChoice("Planes", Planes.words(), Planes.ALL.getWord());
        dialog.addStringField("Threshold", SegmentSettings.FROM_MODEL, 8);
        dialog.addStringField("Min_ROI_size", SegmentSettings.FROM_MODEL, 8);
        fields.addTo(dialog, SegmentDialog.LIMITS + " Channel: number or name; empty = the only one.");
        dialog.addCheckbox(SegmentDialog.MASK, false);
        dialog.addCheckbox(SegmentDialog.LABELS, true);
        dialog.addCheckbox(SegmentDialog.PROBABILITY, false);
        dialog.addCheckbox("Skip_existing: keep earlier results and go on", true);
        dialog.addCheckbox("Overwrite earlier results", false);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        IJ.showStatus("DeepFLaSH: " + segment(read(dialog, fields), known));
    }

    private static void addPlaces(GenericDialog dialog, List<ModelInfo> models) {
        SegmentDialog.addModel(dialog, models);
        dialog.addDirectoryField("Input_folder", Prefs.get(PREFIX + "input_folder", ""), 36);
        dialog.addStringField("Filter", "", 20);
        dialog.addCheckbox("Recursive: the folders inside too", false);
        dialog.addDirectoryField("Output_folder", Prefs.get(PREFIX + "output_folder", ""), 36);
        dialog.addStringField("Suffix", "", 20);
        dialog.addMessage("Filter: part of the name, or a pattern such as *_c1.tif; empty = all images. Suffix: what the"
            + "\nfiles of the results are called after the name of the image, to tell two models apart.");
    }

    private static OptionText read(GenericDialog dialog, ServiceFields fields) {
        OptionText options = OptionText.parse("").with("model", dialog.getNextChoice())
            .with("input_folder", dialog.getNextString().trim()).with("filter", dialog.getNextString().trim());
        options = dialog.getNextBoolean() ? options.with("recursive", "true") : options;
        options = options.with("output_folder", dialog.getNextString().trim())
            .with("suffix", dialog.getNextString().trim()).with("channel", dialog.getNextString().trim())
            .with("planes", dialog.getNextChoice()).with("threshold", dialog.getNextString().trim())
            .with("min_roi_size", dialog.getNextString().trim());
        options = fields.readFrom(dialog, options);
        for (String box : BOXES) {
            options = dialog.getNextBoolean() ? options.with(box, "true") : options;
        }
        Prefs.set(SegmentDialog.MODEL, options.need("model"));
        Prefs.set(PREFIX + "input_folder", options.need("input_folder"));
        Prefs.set(PREFIX + "output_folder", options.need("output_folder"));
        return options;
    }

    @Override
    void runWith(OptionText options) throws IOException {
        segment(options, ServiceFields.loadFor(options, KEYS, Segment.KIND, SegmentSettings.OWN));
    }

    private static String segment(OptionText options, OptionFields fields) throws IOException {
        options.allowOnly(fields.addTo(KEYS));
        String counts = FolderSegmentation.segment(options, fields);
        IJ.log("DeepFLaSH: " + counts + ".");
        return counts;
    }
}
