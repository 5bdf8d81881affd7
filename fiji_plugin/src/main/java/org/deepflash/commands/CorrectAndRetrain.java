package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.client.Connection;
import org.deepflash.client.ServiceClient;
import org.deepflash.fiji.AnnotatedPlane;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.PlaneSource;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.Planes;
import org.deepflash.records.TrainSettings;

/**
 * {@code DFL Correct and Retrain...}: what a model found and a person mended becomes an annotation; when enough images
 * are mended, the model is trained on from there.
 */
public final class CorrectAndRetrain extends Command {

    /** The macro keys; the options of the service for a training are keys too. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("expert", "class",
        "correction_folder", "base", "model", "train", "wait", "output_folder", "allow_empty", "overwrite")));

    private static final String PREFIX = "deepflash.";
    private static final String IMAGES = "images";
    private static final String MASKS = "annotations";

    @Override
    void runWithDialog() throws IOException {
        ImagePlus image = Images.needCurrent();
        ServiceClient client = Connector.connect();
        OptionText options = ask(findModel(DrawnRois.find(image)), client.listModels());
        OptionFields fields = check(options, client);
        IJ.showStatus("DeepFLaSH: " + save(image, options, client));
        if (options.has("train")) {
            MonitorWindow.open(new Connection(client, Connector::reconnect),
                Train.submit(client, TrainSettings.fromOptions(toTraining(options), fields)));
        }
    }

    @Override
    void runWith(OptionText options) throws IOException {
        correct(options);
    }

    /** Saves the correction and, with {@code train}, starts the training; returns what came of it. */
    public static String correct(OptionText options) throws IOException {
        ImagePlus image = Images.needCurrent();
        ServiceClient client = Connector.connect();
        check(options, client);
        String saved = save(image, options, client);
        IJ.log("DeepFLaSH: " + saved);
        return options.has("train") ? Train.start(toTraining(options)) : saved;
    }

    /** Refuses what the training would refuse before anything is saved. */
    private static OptionFields check(OptionText options, ServiceClient client) {
        OptionFields fields = ServiceFields.load(client, Train.KIND, TrainSettings.OWN);
        options.allowOnly(fields.addTo(KEYS));
        fields.read(options);
        if (options.has("train")) {
            options.need("model");
        }
        return fields;
    }

    private static OptionText ask(String usedModel, List<ModelInfo> models) {
        List<String> names = new ArrayList<>(Collections.singletonList(TrainSettings.NEW));
        models.forEach(model -> names.add(model.getName()));
        String base = names.contains(usedModel) ? usedModel : Prefs.get(SegmentDialog.MODEL, TrainSettings.NEW);
        GenericDialog dialog = new GenericDialog("DFL Correct and Retrain");
        dialog.addStringField("Expert", Prefs.get(PREFIX + "expert", ""), 20);
        dialog.addStringField("Class", Prefs.get(PREFIX + "class", "roi"), 20);
        dialog.addDirectoryField("Correction_folder", Prefs.get(PREFIX + "corrections", ""), 36);
        dialog.addCheckbox("Allow_empty: there is nothing to see in this image", false);
        dialog.addCheckbox("Overwrite an earlier correction of this image", false);
        dialog.addCheckbox("Train now on all corrected images", false);
        dialog.addChoice("Base", names.toArray(new String[0]), base);
        dialog.addStringField("Model", base.equals(TrainSettings.NEW) ? "" : base, 20);
        dialog.addStringField("Epochs", "", 8);
        dialog.addMessage("Saves the shown plane and its ROIs (ROI Manager, else overlay) in the correction folder."
            + "\nBase: the model to go on from. Model: name of the new one; the name of the base gives its next version."
            + "\nEpochs: empty = 50 to go on from a base, 100 from new.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        return read(dialog);
    }

    private static OptionText read(GenericDialog dialog) {
        OptionText options = OptionText.parse("").with("expert", dialog.getNextString().trim())
            .with("class", dialog.getNextString().trim()).with("correction_folder", dialog.getNextString().trim());
        for (String box : new String[] {"allow_empty", "overwrite", "train"}) {
            options = dialog.getNextBoolean() ? options.with(box, "true") : options;
        }
        Prefs.set(PREFIX + "expert", options.need("expert"));
        Prefs.set(PREFIX + "class", options.get("class", "roi"));
        Prefs.set(PREFIX + "corrections", options.need("correction_folder"));
        return options.with("base", dialog.getNextChoice()).with("model", dialog.getNextString().trim())
            .with("epochs", dialog.getNextString().trim());
    }

    private static OptionText toTraining(OptionText options) {
        Path folder = Paths.get(options.need("correction_folder"));
        OptionText training = options.with("image_folder", folder.resolve(IMAGES).toString())
            .with("mask_folders", folder.resolve(MASKS).toString());
        for (String key : new String[] {"expert", "class", "correction_folder", "train", "allow_empty", "overwrite"}) {
            training = training.without(key);
        }
        return training;
    }

    /** Returns the name of the model that found the first of the ROIs, empty if none did. */
    private static String findModel(List<Roi> rois) {
        for (Roi roi : rois) {
            if (roi.getProperty("dfl.model") != null) {
                return roi.getProperty("dfl.model").replaceFirst("@\\d+$", "");
            }
        }
        return "";
    }

    private static String save(ImagePlus image, OptionText options, ServiceClient client) throws IOException {
        List<Roi> rois = ofPlane(image, DrawnRois.find(image), options);
        if (rois.isEmpty() && !options.has("allow_empty")) {
            throw DrawnRois.missing(image);
        }
        Path folder = Paths.get(options.need("correction_folder"));
        Path images = folder.resolve(IMAGES);
        ImagePlus plane = new ImagePlus(nameOf(image) + ".tif", image.getProcessor());
        plane.setCalibration(image.getCalibration());
        Path file = images.resolve(plane.getTitle());
        Path masks = folder.resolve(MASKS).resolve(RoiConversion.plainName(options.need("expert"), "expert"));
        Annotation.refuseExisting(Annotation.labelFile(masks, nameOf(image)), options.has("overwrite"));
        PlaneSource source = new PlaneSource(image, findBase(options, client), 0, Planes.CURRENT);
        AtomicFiles.write(file, source.encode(source.getPositions().get(0)));
        SaveAnnotation.write(plane, rois, OptionText.parse("").with("expert", options.need("expert"))
            .with("class", options.get("class", "roi")).with("output_folder", folder.resolve(MASKS).toString())
            .with("overwrite", "true"));
        return rois.size() + " ROIs of " + options.need("expert") + " saved; " + RoiPairing.listImages(images).size()
            + " corrected images in " + folder + ".";
    }

    private static ModelInfo findBase(OptionText options, ServiceClient client) {
        String base = options.get("base", TrainSettings.NEW);
        if (base.equals(TrainSettings.NEW)) {
            return new ModelInfo.Builder(base).build();
        }
        return client.listModels().stream().filter(model -> model.getName().equals(base.replaceFirst("@\\d+$", "")))
            .findFirst().orElseThrow(() -> new InputException("There is no model " + base
            + ". See DFL Model Library..., or write base=" + TrainSettings.NEW + "."));
    }

    private static String nameOf(ImagePlus image) {
        return RoiConversion.plainName(RoiPairing.stem(Images.nameOf(image)), "name") + AnnotatedPlane.suffixOfShown(image);
    }

    /** Copies the ROIs of the shown plane, so that those of the person stay as they are. */
    private static List<Roi> ofPlane(ImagePlus image, List<Roi> rois, OptionText options) {
        List<Roi> own = new ArrayList<>();
        for (Roi roi : rois) {
            boolean isHere = roi.hasHyperStackPosition()
                ? (roi.getZPosition() == 0 || roi.getZPosition() == image.getZ())
                    && (roi.getTPosition() == 0 || roi.getTPosition() == image.getT())
                : roi.getPosition() <= 0 || roi.getPosition() == image.getCurrentSlice();
            if (isHere) {
                Roi copy = (Roi) roi.clone();
                copy.setPosition(0);
                copy.setProperty("dfl.expert", options.need("expert"));
                copy.setProperty("dfl.class", options.get("class", "roi"));
                own.add(copy);
            }
        }
        return own;
    }
}
