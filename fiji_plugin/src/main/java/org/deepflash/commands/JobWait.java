package org.deepflash.commands;

import ij.IJ;
import java.util.function.Consumer;
import org.deepflash.client.Connection;
import org.deepflash.client.JobEnding;
import org.deepflash.client.JobFollower;
import org.deepflash.records.Job;

/** Waits for a job in a macro, across restarts of the service; the Escape key cancels the job. */
final class JobWait {

    private static final int PAUSE_MS = 200;
    private static final int PAUSES_PER_LOOK = 5;
    private static final long SECOND_NS = 1_000_000_000L;

    private final Connection connection;
    private final JobFollower follower;
    private final int silence;

    /** @param silence seconds without an answer of the service after which the wait is given up */
    JobWait(Connection connection, Job job, int silence) {
        this.connection = connection;
        this.follower = new JobFollower(connection, job);
        this.silence = silence;
    }

    /**
     * Waits until the job ends, or for some seconds.
     *
     * @param news is told at every change
     * @return the job as it is then
     * @throws org.deepflash.client.ServiceException if the user cancelled, or the service stays away
     */
    Job await(double seconds, Consumer<JobFollower> news) {
        long end = System.nanoTime() + (long) (Math.min(seconds, 1e8) * SECOND_NS);
        IJ.resetEscape();
        while (true) {
            if (follower.look()) {
                news.accept(follower);
            }
            if (follower.isOver() || System.nanoTime() >= end) {
                return follower.getJob();
            }
            if (follower.getSilentSeconds() >= silence) {
                throw JobEnding.giveUp(follower.getTrouble(), silence, follower.getJob().getId());
            }
            pause(end);
        }
    }

    private void pause(long end) {
        for (int i = 0; i < PAUSES_PER_LOOK && System.nanoTime() < end; i++) {
            IJ.wait(PAUSE_MS);
            if (IJ.escapePressed() || Thread.currentThread().isInterrupted()) {
                throw JobEnding.cancel(connection, follower.getJob().getId());
            }
        }
    }
}
