package org.deepflash.commands;

import ij.gui.GenericDialog;
import ij.Prefs;
import java.awt.Button;
import java.awt.EventQueue;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.deepflash.client.Connection;
import org.deepflash.records.Job;

/** The buttons under a training. Each works in a thread of its own; what went wrong is said in the window. */
final class MonitorButtons {

    private static final String FOLDER = "deepflash.monitor.folder";

    private final Connection connection;
    private final Supplier<MonitorView> view;
    private final BiConsumer<String, Boolean> say;
    private final Runnable lookAgain;
    private final Button stop = new Button("Stop and keep best");
    private final Button cancel = new Button("Cancel and discard");
    private final Button resume = new Button("Resume");
    private final Button export = new Button("Export...");

    /** @param say shows a sentence, and whether it is a warning; called on the event thread */
    MonitorButtons(Connection connection, Supplier<MonitorView> view, BiConsumer<String, Boolean> say,
            Runnable lookAgain) {
        this.connection = connection;
        this.view = view;
        this.say = say;
        this.lookAgain = lookAgain;
        stop.addActionListener(event -> start(this::stopAndKeep));
        cancel.addActionListener(event -> start(this::cancelAndDiscard));
        resume.addActionListener(event -> start(this::resumeTraining));
        export.addActionListener(event -> start(this::exportCurve));
        getButtons().forEach(button -> button.setEnabled(false));
    }

    List<Button> getButtons() {
        return Arrays.asList(stop, cancel, resume, export);
    }

    /** Enables what can be done now. */
    void fit(MonitorView now) {
        Job job = now.getJob();
        boolean isThere = !now.isInTrouble();
        stop.setEnabled(isThere && job.isRunning());
        cancel.setEnabled(isThere && (!job.isFinished() || job.getState().equals("interrupted")));
        resume.setEnabled(isThere && job.isResumable());
        export.setEnabled(!now.getHistory().getPoints().isEmpty());
    }

    /** What a button does. */
    private interface Work {
        void run(MonitorView now) throws IOException;
    }

    private void start(Work work) {
        MonitorView now = view.get();
        new Thread(() -> {
            try {
                work.run(now);
            } catch (IOException | RuntimeException error) {
                tell(Failures.toSentence(error), true);
                return;
            }
            lookAgain.run();
        }, "deepflash-button").start();
    }

    private void tell(String sentence, boolean isWarning) {
        EventQueue.invokeLater(() -> say.accept(sentence, isWarning));
    }

    private void stopAndKeep(MonitorView now) {
        stop.setEnabled(false);
        tell("Stopping at the next batch; the best weights are kept and scored ...", false);
        connection.client().stopJob(now.getJob().getId());
    }

    private void cancelAndDiscard(MonitorView now) {
        String model = now.getJob().getModel().isEmpty() ? now.getJob().getId() : now.getJob().getModel();
        if (Question.ask("Cancel the training of " + model + " and discard what it has learned? This cannot be undone."
                + " \"Stop and keep best\" keeps a model.", "Discard", "Keep training")) {
            connection.client().cancelJob(now.getJob().getId());
        }
    }

    private void resumeTraining(MonitorView now) {
        connection.client().resumeJob(now.getJob().getId());
    }

    private void exportCurve(MonitorView now) throws IOException {
        GenericDialog dialog = new GenericDialog("DeepFLaSH: save the curve");
        dialog.addDirectoryField("Folder", Prefs.get(FOLDER, System.getProperty("user.home", "")), 36);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            return;
        }
        String folder = dialog.getNextString().trim();
        Path file = CurveFiles.write(Paths.get(folder), now.getJob(), now.getHistory());
        Prefs.set(FOLDER, folder);
        tell("Saved " + file + " and the picture beside it.", false);
    }
}
