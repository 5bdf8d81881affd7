package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.macro.ExtensionDescriptor;
import ij.macro.Functions;
import ij.macro.Interpreter;
import ij.macro.MacroExtension;
import ij.plugin.PlugIn;
import java.io.IOException;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;

/**
 * {@code DFL Macro Extensions}: registers the functions {@code Ext.dfl...} in the running macro.
 *
 * <p>A function that fails aborts the macro; the sentence is in the Log and in {@code Ext.dflLastError}.
 */
public final class MacroExtensions implements PlugIn, MacroExtension {

    private static final int TEXT = ARG_STRING;
    private static final int NUMBER = ARG_NUMBER;
    private static final int TEXT_OUT = ARG_STRING + ARG_OUTPUT;
    private static final int NUMBER_OUT = ARG_NUMBER + ARG_OUTPUT;

    @Override
    public void run(String argument) {
        if (Interpreter.getInstance() == null) {
            throw Failures.end(new InputException("DFL Macro Extensions works inside a macro only. Write"
                + " run(\"DFL Macro Extensions\"); as its first line."));
        }
        Functions.registerExtensions(this);
    }

    @Override
    public ExtensionDescriptor[] getExtensionFunctions() {
        return new ExtensionDescriptor[] {
            describe("dflHealth", TEXT_OUT),
            describe("dflModels", TEXT_OUT),
            describe("dflSegment", NUMBER, TEXT, NUMBER_OUT),
            describe("dflProgress", TEXT, TEXT_OUT, NUMBER_OUT, NUMBER_OUT, TEXT_OUT),
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
            case "dflProgress":
                report(arguments);
                break;
            case "dflWait":
                set(arguments[2], await((String) arguments[0], ((Double) arguments[1]).intValue()));
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

    private static void report(Object[] arguments) {
        ServiceClient client = Connector.connect();
        Job job = client.getJob((String) arguments[0]);
        set(arguments[1], job.getState());
        set(arguments[2], job.getProgress().getCurrent());
        set(arguments[3], job.getProgress().getMaximum());
        set(arguments[4], client.getMetrics(job.getId()));
    }

    private static String await(String id, int timeout) {
        ServiceClient client = Connector.connect();
        Job job = client.getJob(id);
        long end = System.nanoTime() + timeout * 1_000_000_000L;
        while (!job.isFinished() && System.nanoTime() < end && !IJ.escapePressed()) {
            IJ.wait(200);
            job = client.getJob(id);
        }
        return job.getState();
    }

    private static void set(Object target, String text) {
        ((String[]) target)[0] = text;
    }

    private static void set(Object target, double number) {
        ((Double[]) target)[0] = number;
    }
}
