package org.deepflash.commands;

import ij.ImagePlus;
import ij.Prefs;
import ij.gui.GenericDialog;
import java.awt.Choice;
import java.awt.Label;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.Planes;
import org.deepflash.records.SegmentSettings;

/** The dialog of {@code DFL Segment...}; its labels are the macro keys, so the recorder needs no help. */
final class SegmentDialog {

    private static final String PREFIX = "deepflash.segment.";
    /** Preference that holds the model to offer first. */
    static final String MODEL = PREFIX + "model";
    /** What the two limits mean. */
    static final String LIMITS = "Threshold: 0 to 1, higher finds less. Min ROI size: pixels."
        + "\nmodel = the value of the model.";
    /** Labels of the boxes for result images. */
    static final String MASK = "Mask: image with 0 and 255";
    static final String LABELS = "Labels: image with a number for each ROI";
    static final String PROBABILITY = "Probability map, 0 to 1";
    private static final String[] BOXES = {"mask", "labels", "probability", "add_to_manager", "append", "table"};

    /** What to do where there is no model. */
    static final String EMPTY_LIBRARY = "The library has no model yet. Train one with DFL Train..., or import one with"
        + " DFL Model Library...";

    private SegmentDialog() {
    }

    /** Asks the user; ends the command if the dialog is cancelled. */
    static SegmentSettings ask(ImagePlus image, List<ModelInfo> models, OptionFields known) {
        ServiceFields fields = new ServiceFields(known);
        GenericDialog dialog = new GenericDialog("DFL Segment");
        addModel(dialog, models);
        String[] channels = channelNames(image);
        dialog.addChoice("Channel", channels, channels[image.getC() - 1]);
        dialog.addChoice("Planes", Planes.words(), Prefs.get(PREFIX + "planes", Planes.CURRENT.getWord()));
        dialog.addStringField("Threshold", Prefs.get(PREFIX + "threshold", SegmentSettings.FROM_MODEL), 8);
        dialog.addStringField("Min_ROI_size", Prefs.get(PREFIX + "min_roi_size", SegmentSettings.FROM_MODEL), 8);
        fields.addTo(dialog, LIMITS);
        dialog.addCheckbox(MASK, Prefs.get(PREFIX + "mask", false));
        dialog.addCheckbox(LABELS, Prefs.get(PREFIX + "labels", false));
        dialog.addCheckbox(PROBABILITY, Prefs.get(PREFIX + "probability", false));
        dialog.addCheckbox("Add_to_Manager: the ROIs into the ROI Manager", Prefs.get(PREFIX + "add_to_manager", true));
        dialog.addCheckbox("Append to the earlier ROIs of this image", Prefs.get(PREFIX + "append", false));
        dialog.addCheckbox("Table of the ROIs", Prefs.get(PREFIX + "table", true));
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        return SegmentSettings.fromOptions(read(dialog, fields), known);
    }

    /** Refuses to ask for a model where there is none. */
    static void refuseEmpty(List<ModelInfo> models) {
        if (models.isEmpty()) {
            throw new InputException(EMPTY_LIBRARY);
        }
    }

    /** Adds the choice of the model, and a line on the chosen one. */
    static void addModel(GenericDialog dialog, List<ModelInfo> models) {
        String[] names = models.stream().map(ModelInfo::getName).toArray(String[]::new);
        dialog.addChoice("Model", names, Prefs.get(MODEL, names[0]));
        Choice choice = (Choice) dialog.getChoices().get(0);
        dialog.addMessage(describe(models.get(choice.getSelectedIndex())) + "          ");
        Label label = (Label) dialog.getMessage();
        choice.addItemListener(event -> label.setText(describe(models.get(choice.getSelectedIndex()))));
    }

    private static String describe(ModelInfo model) {
        return String.format(Locale.ROOT, "Version %d, finds %s, threshold %s, minimum size %d px", model.getVersion(),
            model.getTarget(), model.getThreshold(), model.getMinRoiSize());
    }

    private static String[] channelNames(ImagePlus image) {
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= image.getNChannels(); i++) {
            names.add(String.valueOf(i));
        }
        return names.toArray(new String[0]);
    }

    private static OptionText read(GenericDialog dialog, ServiceFields fields) {
        StringBuilder options = new StringBuilder();
        add(options, "model", dialog.getNextChoice());
        options.append(OptionText.write("channel", dialog.getNextChoice())).append(' ');
        add(options, "planes", dialog.getNextChoice());
        add(options, "threshold", dialog.getNextString().trim());
        add(options, "min_roi_size", dialog.getNextString().trim());
        OptionText more = fields.readFrom(dialog, OptionText.parse(""));
        for (String box : BOXES) {
            boolean isTicked = dialog.getNextBoolean();
            Prefs.set(PREFIX + box, isTicked);
            options.append(isTicked ? box + " " : "");
        }
        return more.withAll(OptionText.parse(options.toString()));
    }

    private static void add(StringBuilder options, String key, String value) {
        Prefs.set(PREFIX + key, value);
        options.append(OptionText.write(key, value)).append(' ');
    }
}
