package org.deepflash;

import java.util.concurrent.Callable;
import org.deepflash.commands.AnnotationActions;
import org.deepflash.commands.CheckPairs;
import org.deepflash.commands.CheckService;
import org.deepflash.commands.CorrectAndRetrain;
import org.deepflash.commands.Evaluate;
import org.deepflash.commands.Failures;
import org.deepflash.commands.FolderSegmentation;
import org.deepflash.commands.Jobs;
import org.deepflash.commands.MacroExtensions;
import org.deepflash.commands.MeasureRois;
import org.deepflash.commands.MergeExperts;
import org.deepflash.commands.ModelLibrary;
import org.deepflash.commands.RoiConversion;
import org.deepflash.commands.Segment;
import org.deepflash.commands.SetUp;
import org.deepflash.commands.ShowErrors;
import org.deepflash.commands.Train;
import org.deepflash.records.OptionText;

/**
 * Functions for macros and scripts: {@code call("org.deepflash.Macros.roisToMask", options)}.
 *
 * <p>Options are the recorded key=value string. Every function returns text; a failure comes back as
 * {@code error: <sentence>} and never as an exception or a window.
 */
public final class Macros {

    private Macros() {
    }

    /** Segments the current image, or {@code image=TITLE}; returns the number of ROIs. Keys of {@code DFL Segment...}. */
    public static String segment(String options) {
        return answer(() -> Integer.toString(Segment.segment(OptionText.parse(options))));
    }

    /** Segments a folder; returns the counts. See {@link FolderSegmentation#run}. */
    public static String segmentFolder(String options) {
        return answer(() -> FolderSegmentation.run(OptionText.parse(options)));
    }

    /** Returns what the service tells about itself as JSON; the options are not used yet. */
    public static String health(String options) {
        return answer(CheckService::health);
    }

    /** Returns the names of the models, one per line; the options are not used yet. */
    public static String models(String options) {
        return answer(MacroExtensions::listModels);
    }

    /** Lists, shows, stops, cancels and resumes jobs; returns what came of it. Keys of {@code DFL Jobs...}. */
    public static String jobs(String options) {
        return answer(() -> Jobs.act(OptionText.parse(options)));
    }

    /** Lists, describes, imports and exports models; returns what came of it. Keys of {@code DFL Model Library...}. */
    public static String library(String options) {
        return answer(() -> ModelLibrary.act(OptionText.parse(options)));
    }

    /** Stores the settings of {@code DFL Set Up...}; returns a report on the connection. */
    public static String setUp(String options) {
        return answer(() -> SetUp.store(OptionText.parse(options)));
    }

    /** Starts a training; returns the id of its job. Keys of {@code DFL Train...}. */
    public static String train(String options) {
        return answer(() -> Train.start(OptionText.parse(options)));
    }

    /** Saves mended ROIs and trains on; returns a sentence or the id. Keys of {@code DFL Correct and Retrain...}. */
    public static String correct(String options) {
        return answer(() -> CorrectAndRetrain.correct(OptionText.parse(options)));
    }

    /** Checks images against annotations; returns the counts. Keys of {@code DFL Check Pairs...}. */
    public static String checkPairs(String options) {
        return answer(() -> CheckPairs.check(OptionText.parse(options)));
    }

    /** Writes consensus masks; returns the counts. Keys of {@code DFL Merge Experts...}. */
    public static String mergeExperts(String options) {
        return answer(() -> MergeExperts.merge(OptionText.parse(options)));
    }

    /** Compares predictions with a truth; returns the mean scores. Keys of {@code DFL Evaluate...}. */
    public static String evaluate(String options) {
        return answer(() -> Evaluate.evaluate(OptionText.parse(options)));
    }

    /** Writes where prediction and truth differ as a picture; returns its file. See {@link ShowErrors#save}. */
    public static String showErrors(String options) {
        return answer(() -> ShowErrors.save(OptionText.parse(options)));
    }

    /** Measures the ROIs of the current image; returns their number. Keys of {@code DFL Measure ROIs...}. */
    public static String measure(String options) {
        return answer(() -> Integer.toString(MeasureRois.measure(OptionText.parse(options))));
    }

    /** Registers {@code Ext.dfl...} in the running macro where menu commands do not work; returns an empty text. */
    public static String extensions() {
        return answer(() -> {
            new MacroExtensions().run("");
            return "";
        });
    }

    /** Does one step of an annotation session; returns what came of it. See {@link AnnotationActions}. */
    public static String annotate(String options) {
        return answer(() -> AnnotationActions.act(OptionText.parse(options)));
    }

    /** Draws a ROI set into a label image; returns the number of ROIs. See {@link RoiConversion#convert}. */
    public static String roisToMask(String options) {
        return answer(() -> Integer.toString(RoiConversion.convert(OptionText.parse(options))));
    }

    /** Saves mask and ROI set under an expert's name; returns the number of ROIs. See {@link RoiConversion#saveAnnotation}. */
    public static String saveAnnotation(String options) {
        return answer(() -> Integer.toString(RoiConversion.saveAnnotation(OptionText.parse(options))));
    }

    /** Converts a folder of ROI sets; returns the counts. See {@link RoiConversion#convertFolders}. */
    public static String roisToMasks(String options) {
        return answer(() -> RoiConversion.convertFolders(OptionText.parse(options)));
    }

    /** Pairs images with ROI sets by name; returns one line per file. See {@link RoiConversion#pair}. */
    public static String pairRois(String options) {
        return answer(() -> RoiConversion.pair(OptionText.parse(options)));
    }

    private static String answer(Callable<String> work) {
        try {
            return work.call();
        } catch (Exception | OutOfMemoryError error) {
            return "error: " + Failures.toSentence(error);
        }
    }
}
