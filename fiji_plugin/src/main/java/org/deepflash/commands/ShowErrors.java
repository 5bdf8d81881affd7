package org.deepflash.commands;

import ij.ImagePlus;
import ij.gui.GenericDialog;
import ij.process.ColorProcessor;
import ij.process.ImageProcessor;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.Calibrations;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** {@code DFL Show Errors...}: white where both agree, magenta where only the model, green where only the expert. */
public final class ShowErrors extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("prediction", "truth")));

    private static final int WHITE = 0xFFFFFF;
    private static final int MAGENTA = 0xFF00FF;
    private static final int GREEN = 0x00FF00;
    private static final String LEGEND = " (white both, magenta model only, green expert only)";

    @Override
    void runWithDialog() {
        String[] titles = Annotated.titles();
        GenericDialog dialog = new GenericDialog("DFL Show Errors");
        dialog.addChoice("Prediction", titles, titles[0]);
        dialog.addChoice("Truth", titles, titles[titles.length - 1]);
        dialog.addMessage("Open the mask or label image of the model and that of the expert.\n"
            + "White: both marked it. Magenta: the model only. Green: the expert only.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        compare(dialog.getNextChoice(), dialog.getNextChoice()).show();
    }

    @Override
    void runWith(OptionText options) {
        options.allowOnly(KEYS);
        compare(options.need("prediction"), options.need("truth")).show();
    }

    /**
     * Writes the comparison as a colour TIFF: {@code prediction}, {@code truth}, {@code output=FILE [overwrite]}.
     *
     * @return the file
     */
    public static String save(OptionText options) throws IOException {
        Set<String> known = new HashSet<>(KEYS);
        known.addAll(Arrays.asList("output", "overwrite"));
        options.allowOnly(known);
        Path file = Paths.get(options.need("output"));
        Annotation.refuseExisting(file, options.has("overwrite"));
        AtomicFiles.writeTiff(file, compare(options.need("prediction"), options.need("truth")));
        return file.toString();
    }

    private static ImagePlus compare(String prediction, String truth) {
        if (prediction.isEmpty() || truth.isEmpty()) {
            throw new InputException("No image is open. Open one and run the command again.");
        }
        ImagePlus model = Annotated.open(prediction);
        ImagePlus expert = Annotated.open(truth);
        ImageProcessor found = model.getProcessor();
        ImageProcessor marked = expert.getProcessor();
        if (found.getWidth() != marked.getWidth() || found.getHeight() != marked.getHeight()) {
            throw new InputException(prediction + " has " + found.getWidth() + " x " + found.getHeight() + " pixels, but "
                + truth + " has " + marked.getWidth() + " x " + marked.getHeight() + ". Choose two of the same image.");
        }
        ColorProcessor colours = new ColorProcessor(found.getWidth(), found.getHeight());
        for (int i = 0; i < found.getPixelCount(); i++) {
            boolean isFound = found.getf(i) > 0;
            boolean isMarked = marked.getf(i) > 0;
            colours.set(i, isFound && isMarked ? WHITE : isFound ? MAGENTA : isMarked ? GREEN : 0);
        }
        ImagePlus errors = new ImagePlus(RoiPairing.stem(model.getTitle()) + "-errors" + LEGEND, colours);
        errors.setCalibration(Calibrations.spatial(model));
        return errors;
    }
}
