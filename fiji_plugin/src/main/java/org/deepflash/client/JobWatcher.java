package org.deepflash.client;

import java.util.Objects;
import org.deepflash.records.Job;
import org.deepflash.records.Progress;

/** Waits for a job: looks every 200 ms, passes progress on, cancels when asked to. */
public final class JobWatcher {

    private static final long PAUSE_MS = 200;
    /** A warm worker is done with a small plane before the usual pause is over, and a stack has many planes. */
    private static final long FIRST_PAUSE_MS = 25;
    private static final int START_FACTOR = 4;
    private static final long SECOND_NS = 1_000_000_000L;

    private final Connection connection;
    private final ProgressListener listener;
    private final int timeout;
    private long pause = FIRST_PAUSE_MS;

    /**
     * @param connection finds the service, again if it is restarted meanwhile
     * @param listener hears progress, may cancel
     * @param timeout seconds without answer or progress of a running job after which the wait is given up; four
     *     times as long before its first step
     */
    public JobWatcher(Connection connection, ProgressListener listener, int timeout) {
        this.connection = connection;
        this.listener = listener;
        this.timeout = timeout;
    }

    /**
     * Waits until the job is done.
     *
     * @return the finished job
     * @throws ServiceException if it failed, was cancelled, or nothing moved for too long
     */
    public Job await(Job submitted) {
        Job job = submitted;
        String last = "";
        long changed = System.nanoTime();
        while (!job.isFinished()) {
            String now = describe(job);
            if (!Objects.equals(now, last)) {
                last = now;
                changed = System.nanoTime();
                listener.show(job.getProgress());
            }
            boolean isWaiting = job.getState().equals("queued");
            if (!isWaiting && System.nanoTime() - changed > limitSeconds(job) * SECOND_NS) {
                throw Sentences.silence(timeout, job.getId());
            }
            job = lookAgain(job.getId());
        }
        return JobEnding.check(job);
    }

    private long limitSeconds(Job job) {
        // Before the first step the worker loads TensorFlow and the model, which takes its time on a busy computer.
        return job.getProgress().getCurrent() == 0 ? START_FACTOR * (long) timeout : timeout;
    }

    /** Looks until the service answers; it may be away for as long as a silence may last. */
    private Job lookAgain(String id) {
        long start = System.nanoTime();
        while (true) {
            pauseOrCancel(id);
            try {
                return connection.client().getJob(id);
            } catch (ServiceException error) {
                if (!connection.lose(error)) {
                    throw error;
                }
                if (System.nanoTime() - start > timeout * SECOND_NS) {
                    throw JobEnding.giveUp(error, timeout, id);
                }
                listener.show(new Progress("waits for the service to come back", 0, 0));
            }
        }
    }

    private void pauseOrCancel(String id) {
        try {
            Thread.sleep(pause);
            pause = Math.min(PAUSE_MS, 2 * pause);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        if (listener.isCancelled() || Thread.currentThread().isInterrupted()) {
            throw JobEnding.cancel(connection, id);
        }
    }

    private static String describe(Job job) {
        Progress progress = job.getProgress();
        return job.getState() + '\n' + progress.getMessage() + '\n' + progress.getCurrent() + '/'
            + progress.getMaximum();
    }
}
