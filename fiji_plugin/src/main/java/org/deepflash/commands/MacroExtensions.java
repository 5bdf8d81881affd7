package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.macro.ExtensionDescriptor;
import ij.macro.Functions;
import ij.macro.Interpreter;
import ij.macro.MacroExtension;
import ij.plugin.PlugIn;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.util.List;
import org.deepflash.client.Connection;
import org.deepflash.client.JobFollower;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.EpochPoint;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;
import org.deepflash.records.Progress;

/**
 * {@code DFL Macro Extensions}: registers the functions {@code Ext.dfl...} in the running macro.
 *
 * <p>A function that fails aborts the macro; the sentence is in the Log and in {@code Ext.dflLastError}. Chosen from the
 * menu, where no macro runs, the command shows what it would register.
 */
public final class MacroExtensions implements PlugIn, MacroExtension {

    /** Resource that tells of each function. */
    static final String FUNCTIONS = "extensions.txt";

    private static final int TEXT = ARG_STRING;
    private static final int NUMBER = ARG_NUMBER;
    private static final int TEXT_OUT = ARG_STRING + ARG_OUTPUT;
    private static final int NUMBER_OUT = ARG_NUMBER + ARG_OUTPUT;

    @Override
    public void run(String argument) {
        if (Interpreter.getInstance() != null) {
            Functions.registerExtensions(this);
            return;
        }
        boolean isMenu = !GraphicsEnvironment.isHeadless() && !Failures.isInMacro();
        if (!isMenu) {
            throw Failures.end(new InputException("DFL Macro Extensions works inside a macro only. Write"
                + " run(\"DFL Macro Extensions\"); as its first line."));
        }
        try {
            TextPage.show("DeepFLaSH Macro Extensions", Help.read(FUNCTIONS));
        } catch (IOException error) {
            throw Failures.end(error);
        }
    }

    @Override
    public ExtensionDescriptor[] getExtensionFunctions() {
        return new ExtensionDescriptor[] {
            describe("dflHealth", TEXT_OUT),
            describe("dflModels", TEXT_OUT),
            describe("dflSegment", NUMBER, TEXT, NUMBER_OUT),
            describe("dflTrain", TEXT, TEXT_OUT),
            describe("dflProgress", TEXT, TEXT_OUT, NUMBER_OUT, NUMBER_OUT, NUMBER_OUT, NUMBER_OUT),
            describe("dflMetric", TEXT, TEXT, NUMBER_OUT),
            describe("dflWait", TEXT, NUMBER, TEXT_OUT),
            describe("dflStop", TEXT),
            describe("dflCancel", TEXT),
            describe("dflLastError", TEXT_OUT),
        };
    }

    private ExtensionDescriptor describe(String name, int... types) {
        return new ExtensionDescriptor(name, types, this);
    }

    @Override
    public String handleExtension(String name, Object[] arguments) {
        try {
            handle(name, arguments);
            return null;
        } catch (IOException | RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? Failures.cancel() : Failures.end(error);
        }
    }

    private static void handle(String name, Object[] arguments) throws IOException {
        switch (name) {
            case "dflHealth":
                set(arguments[0], CheckService.health());
                break;
            case "dflModels":
                set(arguments[0], listModels());
                break;
            case "dflSegment":
                String image = String.valueOf(((Double) arguments[0]).intValue());
                OptionText options = OptionText.parse(arguments[1] + " image=" + image);
                set(arguments[2], Segment.segment(options));
                break;
            case "dflTrain":
                set(arguments[1], Train.start(OptionText.parse((String) arguments[0])));
                break;
            case "dflProgress":
                report(arguments);
                break;
            case "dflMetric":
                set(arguments[2], look((String) arguments[0]).getHistory().getMetric((String) arguments[1]));
                break;
            case "dflWait":
                set(arguments[2], await((String) arguments[0], (Double) arguments[1]));
                break;
            case "dflStop":
                Connector.connect().stopJob((String) arguments[0]);
                break;
            case "dflCancel":
                Connector.connect().cancelJob((String) arguments[0]);
                break;
            case "dflLastError":
                set(arguments[0], Failures.getLast());
                break;
            default:
                throw new InputException("There is no function Ext." + name + ".");
        }
    }

    /** Returns the names of the models, one per line. */
    public static String listModels() {
        StringBuilder names = new StringBuilder();
        for (ModelInfo model : Connector.connect().listModels()) {
            names.append(model.getName()).append('\n');
        }
        return names.toString();
    }

    private static JobFollower look(String id) {
        Connection connection = Connector.open();
        JobFollower follower = new JobFollower(connection, connection.client().getJob(id));
        follower.look();
        if (follower.getTrouble() != null) {
            throw follower.getTrouble();
        }
        return follower;
    }

    private static void report(Object[] arguments) {
        JobFollower follower = look((String) arguments[0]);
        Job job = follower.getJob();
        TrainingHistory history = follower.getHistory();
        List<EpochPoint> points = history.getPoints();
        // The newest point may be of an epoch in the making; the progress counts finished ones.
        boolean isOver = job.isFinished() && !points.isEmpty();
        set(arguments[1], job.getState());
        set(arguments[2], isOver ? points.get(points.size() - 1).getTotal() : job.getProgress().getCurrent());
        set(arguments[3], isOver ? history.getEpochs() : job.getProgress().getMaximum());
        set(arguments[4], history.getMetric("loss"));
        set(arguments[5], history.getMetric("roi_jaccard"));
    }

    private static String await(String id, double seconds) {
        Connection connection = Connector.open();
        Job job = connection.client().getJob(id);
        return new JobWait(connection, job, StoredSettings.load().getTimeout()).await(seconds, follower -> {
            Progress progress = follower.getJob().getProgress();
            IJ.showStatus("DeepFLaSH: " + progress.getMessage());
            IJ.showProgress(progress.getFraction());
        }).getState();
    }

    private static void set(Object target, String text) {
        ((String[]) target)[0] = text;
    }

    private static void set(Object target, double number) {
        ((Double[]) target)[0] = number;
    }
}
