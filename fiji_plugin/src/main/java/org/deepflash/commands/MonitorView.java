package org.deepflash.commands;

import java.awt.image.BufferedImage;
import java.util.Locale;
import org.deepflash.client.JobFollower;
import org.deepflash.client.ServiceException;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.Job;

/** What the window of a training shows at one moment; does not change. */
final class MonitorView {

    private final Job job;
    private final TrainingHistory history;
    private final ServiceException trouble;
    private final long silentSeconds;
    private final String device;
    private final String refusal;
    private final double secondsLeft;
    private BufferedImage preview;
    private int previewEpoch;

    /**
     * @param device name to show where the training told none
     * @param age seconds since the training told its newest remaining time
     * @param refusal why nobody looks at the training any more, empty while somebody does
     */
    MonitorView(JobFollower follower, String device, double age, String refusal) {
        this.job = follower.getJob();
        this.history = follower.getHistory();
        this.trouble = follower.getTrouble();
        this.silentSeconds = follower.getSilentSeconds();
        this.device = device;
        this.refusal = refusal;
        double told = history.getMetric("seconds_left");
        this.secondsLeft = job.isRunning() && told > 0 ? Math.max(0, told - age) : Double.NaN;
    }

    /**
     * Adds the picture, before the view is shown.
     *
     * @param picture held-out image, or null
     * @param epoch after which it was made, 0 if not known
     */
    MonitorView with(BufferedImage picture, int epoch) {
        preview = picture;
        previewEpoch = epoch;
        return this;
    }

    Job getJob() {
        return job;
    }

    TrainingHistory getHistory() {
        return history;
    }

    BufferedImage getPreview() {
        return preview;
    }

    /** Returns the first line: how far. */
    String describeEpochs() {
        String pace = TrainingText.pace(history, secondsLeft);
        return TrainingText.epochs(history, job) + (pace.isEmpty() ? "" : "  \u00b7  " + pace);
    }

    /** Returns the second line: where. */
    String describePlace() {
        String place = TrainingText.device(history, device);
        return (place.isEmpty() ? "" : place + "  \u00b7  ") + "job " + job.getId();
    }

    /** Returns the line that tells what goes on, or why nothing moves. */
    String describeSituation() {
        if (isRefused()) {
            return refusal + " This window looks no more; open DFL Training Monitor to look again.";
        }
        if (trouble != null) {
            return "The service has not answered for " + silentSeconds + " s. The training goes on without it; looking"
                + " for the service again ...";
        }
        String ending = TrainingText.ending(job);
        String message = job.getProgress().getMessage();
        // The header says that already, and more.
        boolean isKnown = message.toLowerCase(Locale.ROOT).matches("epoch \\d+ of \\d+");
        return ending.isEmpty() && !isKnown ? message : ending;
    }

    /** Returns what stands in place of the preview while there is none. */
    String describeMissingPreview() {
        return TrainingText.missingPreview(job, history);
    }

    /** Tells whether the service gives no answer now, or none any more. */
    boolean isInTrouble() {
        return trouble != null || isRefused();
    }

    /** Tells whether the service refused, so that nobody looks at the training any more. */
    boolean isRefused() {
        return !refusal.isEmpty();
    }

    /** Returns the epoch of the preview, 0 if not known. */
    int getPreviewEpoch() {
        return previewEpoch;
    }
}
