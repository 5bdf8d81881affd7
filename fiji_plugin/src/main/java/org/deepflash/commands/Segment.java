package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.gui.Roi;
import ij.macro.Interpreter;
import ij.measure.ResultsTable;
import ij.plugin.PlugIn;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Set;
import org.deepflash.client.ServiceClient;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.ResultImages;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiPainter;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.fiji.RoiTable;
import org.deepflash.fiji.SegmentedPlane;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;
import org.deepflash.records.SegmentSettings;

/** {@code DFL Segment...}: finds ROIs in the current image. */
public final class Segment implements PlugIn {

    /** Kind of the job, as the service calls it. */
    static final String KIND = "segmentation";

    @Override
    public void run(String argument) {
        try {
            String options = Macro.getOptions();
            if (options == null && !GraphicsEnvironment.isHeadless()) {
                runWithDialog();
            } else {
                segment(OptionText.parse(options));
            }
        } catch (Exception | OutOfMemoryError error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? Failures.cancel() : Failures.end(error);
        }
    }

    private static void runWithDialog() throws IOException {
        ImagePlus image = Images.needCurrent();
        ServiceClient client = Connector.connect();
        List<ModelInfo> models = client.listModels();
        SegmentDialog.refuseEmpty(models);
        SegmentSettings settings = SegmentDialog.ask(image, models,
            ServiceFields.load(client, KIND, SegmentSettings.OWN));
        Segmentation result = carryOut(image, settings, new Segmentation(client, settings, models));
        if (result.getRois().isEmpty()) {
            IJ.showMessage("DeepFLaSH", Sentence.wrap(result.describeNothing()));
        }
    }

    /**
     * Segments without asking.
     *
     * @param options the recorded macro string; {@code image} and {@code output_folder} may be added
     * @return the number of ROIs
     * @throws IOException if a file cannot be read or written
     */
    public static int segment(OptionText options) throws IOException {
        SegmentSettings settings = SegmentSettings.fromOptions(options,
            ServiceFields.loadFor(options, SegmentSettings.KEYS, KIND, SegmentSettings.OWN));
        ImagePlus image = Images.find(settings.getImage());
        settings.getModel();
        ServiceClient client = Connector.connect();
        return segment(image, settings, client, client.listModels());
    }

    /** Segments an image, which need not be open, and tells in the Log if nothing was found. */
    static int segment(ImagePlus image, SegmentSettings settings, ServiceClient client, List<ModelInfo> models)
            throws IOException {
        Segmentation result = carryOut(image, settings, new Segmentation(client, settings, models));
        if (result.getRois().isEmpty() && !result.isExplained()) {
            IJ.log("DeepFLaSH: " + image.getTitle() + ": " + result.describeNothing());
        }
        return result.getRois().size();
    }

    private static Segmentation carryOut(ImagePlus image, SegmentSettings settings, Segmentation segmentation)
            throws IOException {
        refuseExisting(image, settings);
        segmentation.run(image, StoredSettings.load().getTimeout());
        addRois(image, settings, segmentation);
        if (settings.wants("table")) {
            // The window may hold rows of earlier runs, which do not belong in the file of this one.
            fill(RoiTable.openOrCreate(), image, segmentation).show(RoiTable.TITLE);
        }
        deliverImages(image, settings, new ResultImages(image, segmentation.getPlanes()));
        if (!settings.getOutputFolder().isEmpty()) {
            saveSet(image, settings, segmentation.getRois(), fill(RoiTable.create(), image, segmentation));
        }
        return segmentation;
    }

    private static void addRois(ImagePlus image, SegmentSettings settings, Segmentation segmentation) {
        boolean appends = settings.wants("append");
        boolean hasManager = settings.wants("add_to_manager") && !GraphicsEnvironment.isHeadless();
        Set<String> names = RoiPainter.findNames(image, appends);
        segmentation.getPlanes().forEach(plane -> plane.makeUnique(names));
        List<Roi> rois = segmentation.getRois();
        RoiPainter.overlay(image, rois, appends);
        if (hasManager) {
            RoiPainter.addToManager(image, rois, appends);
        } else if (settings.wants("add_to_manager") && settings.getOutputFolder().isEmpty()) {
            IJ.log("DeepFLaSH: without a display there is no ROI Manager. The ROIs are in the overlay;"
                + " output_folder=DIR saves them as a ROI set.");
        }
    }

    private static ResultsTable fill(ResultsTable table, ImagePlus image, Segmentation segmentation) {
        for (SegmentedPlane plane : segmentation.getPlanes()) {
            RoiTable.append(table, image, plane, segmentation.getModelVersion(),
                Double.toString(segmentation.getThreshold()));
        }
        return table;
    }

    private static void deliverImages(ImagePlus image, SegmentSettings settings, ResultImages results)
            throws IOException {
        if (settings.wants("mask")) {
            deliver(results.makeMask(), "mask", image, settings);
        }
        if (settings.wants("labels")) {
            deliver(results.makeLabels(), "labels", image, settings);
        }
        if (settings.wants("probability")) {
            deliver(results.makeProbability(), "probability", image, settings);
        }
    }

    private static void deliver(ImagePlus result, String kind, ImagePlus image, SegmentSettings settings)
            throws IOException {
        if (!settings.getOutputFolder().isEmpty()) {
            AtomicFiles.writeTiff(output(image, settings, "_" + kind + ".tif"), result);
            return;
        }
        // Without display and without a macro's batch mode ImageJ has nowhere to show an image.
        if (!GraphicsEnvironment.isHeadless() || Interpreter.isBatchMode()) {
            result.show();
        }
    }

    private static void saveSet(ImagePlus image, SegmentSettings settings, List<Roi> rois, ResultsTable table)
            throws IOException {
        AtomicFiles.write(output(image, settings, "_rois.csv"), RoiTable.toCsv(table, image.getTitle()));
        RoiFiles.write(output(image, settings, "_RoiSet.zip"), rois);
    }

    private static void refuseExisting(ImagePlus image, SegmentSettings settings) {
        if (!settings.getOutputFolder().isEmpty()) {
            Annotation.refuseExisting(output(image, settings, "_RoiSet.zip"), settings.wants("overwrite"));
        }
    }

    private static Path output(ImagePlus image, SegmentSettings settings, String suffix) {
        return Paths.get(settings.getOutputFolder()).resolve(RoiPairing.stem(image.getTitle())
            + settings.getSuffix() + suffix);
    }
}
