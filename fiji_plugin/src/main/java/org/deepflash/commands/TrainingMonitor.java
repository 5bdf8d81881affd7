package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.plugin.PlugIn;
import ij.plugin.frame.Recorder;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.client.Connection;
import org.deepflash.client.JobEnding;
import org.deepflash.client.JobFollower;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.EpochPoint;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.OptionText;

/**
 * {@code DFL Training Monitor}: a window that follows a training, or, in a macro, a wait with a line per epoch.
 *
 * <p>The training belongs to the service: closing the window, or Fiji, changes nothing about it.
 */
public final class TrainingMonitor implements PlugIn {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("job", "output_folder")));

    @Override
    public void run(String argument) {
        try {
            OptionText options = OptionText.parse(Macro.getOptions());
            options.allowOnly(KEYS);
            RunningNotice.skip();
            boolean hasWindow = !GraphicsEnvironment.isHeadless() && !Failures.isInMacro();
            ServiceClient client = Connector.connect();
            Job job = find(client, options.get("job", JobActions.LATEST));
            if (hasWindow) {
                Recorder.recordOption("job", job.getId());
                MonitorWindow.open(new Connection(client, Connector::reconnect), job);
            } else {
                follow(new Connection(client, Connector::reconnect), job, options.get("output_folder", ""));
            }
        } catch (IOException | RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? Failures.cancel() : Failures.end(error);
        }
    }

    /** Returns the training of that id; {@code latest} is the one that runs, else the newest. */
    private static Job find(ServiceClient client, String word) {
        if (!word.equals(JobActions.LATEST)) {
            Job job = client.getJob(word);
            if (!job.isTraining()) {
                throw new InputException("Job " + word + " is no training but a " + job.getKind()
                    + ". See it with DFL Jobs...");
            }
            return job;
        }
        return findLatest(client.listJobs());
    }

    /**
     * Returns the training that runs, else the one that waits, else the newest.
     *
     * @param jobs newest first
     */
    static Job findLatest(List<Job> jobs) {
        Job found = null;
        for (Job job : jobs) {
            boolean isBetter = job.isTraining() && (found == null || rank(job) > rank(found));
            found = isBetter ? job : found;
        }
        if (found == null) {
            throw new InputException("There is no training yet. Start one with DFL Train...");
        }
        return found;
    }

    private static int rank(Job job) {
        if (job.isFinished()) {
            return 0;
        }
        return job.getState().equals("queued") ? 1 : 2;
    }

    /** Waits for a training and tells each epoch in the Log. */
    static Job follow(Connection connection, Job job, String folder) throws IOException {
        EpochLog log = new EpochLog(job);
        Job ended = new JobWait(connection, job, StoredSettings.load().getTimeout()).await(Double.MAX_VALUE, log::tell);
        IJ.showProgress(1.0);
        IJ.showStatus("DeepFLaSH: training " + ended.getState());
        if (!folder.isEmpty()) {
            Path file = CurveFiles.write(Paths.get(folder), ended, log.history);
            IJ.log("DeepFLaSH: curve saved as " + file);
        }
        JobEnding.check(ended);
        IJ.log("DeepFLaSH: training " + ended.getId() + ": " + TrainingText.ending(ended));
        return ended;
    }

    /** Writes each epoch once, also those before this Fiji came. */
    private static final class EpochLog {

        private final String name;
        private TrainingHistory history = new TrainingHistory();
        private int told;
        private boolean isAway;

        EpochLog(Job job) {
            name = job.getModel().isEmpty() ? job.getId() : job.getModel();
        }

        void tell(JobFollower follower) {
            history = follower.getHistory();
            Job job = follower.getJob();
            if (follower.getTrouble() != null) {
                isAway = true;
                IJ.log("DeepFLaSH: the service does not answer; the training goes on, waiting for the service ...");
                return;
            }
            if (isAway) {
                isAway = false;
                IJ.log("DeepFLaSH: the service is back.");
            }
            long complete = job.isFinished() ? Long.MAX_VALUE : job.getProgress().getCurrent();
            for (EpochPoint point : history.getPoints()) {
                if (point.getTotal() > told && point.getTotal() <= complete) {
                    IJ.log("DeepFLaSH: " + name + ": " + TrainingText.epochLine(point, history));
                    told = point.getTotal();
                }
            }
            IJ.showStatus("DeepFLaSH: " + name + ": " + job.getProgress().getMessage());
            IJ.showProgress(job.getProgress().getFraction());
        }
    }
}
