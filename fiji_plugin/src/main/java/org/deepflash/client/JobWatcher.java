package org.deepflash.client;

import java.util.Objects;
import org.deepflash.records.Job;
import org.deepflash.records.Progress;

/** Waits for a job: looks every 200 ms, passes progress on, cancels when asked to. */
public final class JobWatcher {

    private static final long PAUSE_MS = 200;
    private static final int START_FACTOR = 4;

    private final ServiceClient client;
    private final ProgressListener listener;
    private final int timeout;

    /**
     * @param client asks the service
     * @param listener hears progress, may cancel
     * @param timeout seconds without progress of a running job after which the wait is given up; four times as
     *     long before its first step
     */
    public JobWatcher(ServiceClient client, ProgressListener listener, int timeout) {
        this.client = client;
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
            if (!isWaiting && System.nanoTime() - changed > limitSeconds(job) * 1_000_000_000L) {
                throw Sentences.silence(timeout, job.getId());
            }
            pauseOrCancel(job.getId());
            job = look(job.getId());
        }
        return finish(job);
    }

    private long limitSeconds(Job job) {
        // Before the first step the worker loads TensorFlow and the model, which takes its time on a busy computer.
        return job.getProgress().getCurrent() == 0 ? START_FACTOR * (long) timeout : timeout;
    }

    private Job look(String id) {
        try {
            return client.getJob(id);
        } catch (ServiceException error) {
            if (error.getCode().equals(ServiceException.SILENCE)) {
                throw Sentences.silence(timeout, id);
            }
            throw error;
        }
    }

    private void pauseOrCancel(String id) {
        try {
            Thread.sleep(PAUSE_MS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        if (listener.isCancelled() || Thread.currentThread().isInterrupted()) {
            client.cancelJob(id);
            throw Sentences.cancelled();
        }
    }

    private static String describe(Job job) {
        Progress progress = job.getProgress();
        return job.getState() + '\n' + progress.getMessage() + '\n' + progress.getCurrent() + '/'
            + progress.getMaximum();
    }

    private static Job finish(Job job) {
        switch (job.getState()) {
            case "done":
            case "stopped":
                return job;
            case "cancelled":
                throw Sentences.cancelled();
            case "failed":
                boolean isUserFault = !job.getErrorCode().isEmpty() && !job.getErrorCode().equals("internal_error");
                if (isUserFault) {
                    throw new ServiceException(job.getErrorCode(), job.getErrorMessage());
                }
                throw Sentences.fault(job.getErrorMessage().isEmpty() ? "job " + job.getId() : job.getErrorMessage());
            default:
                throw Sentences.fault("job " + job.getId() + " was interrupted");
        }
    }
}
