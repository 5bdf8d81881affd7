package org.deepflash.client;

import org.deepflash.records.Job;

/** Turns the end of a job into a result or a sentence. */
public final class JobEnding {

    private JobEnding() {
    }

    /**
     * Returns a job that ended well.
     *
     * @throws ServiceException if it was cancelled, failed or was interrupted
     */
    public static Job check(Job job) {
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
                throw Sentences.interrupted(job);
        }
    }

    /** Returns the exception for a service that has been away, or has failed, for too long. */
    public static ServiceException giveUp(ServiceException trouble, int seconds, String job) {
        boolean isAway = trouble == null || trouble.getCode().equals(ServiceException.DOWN)
            || trouble.getCode().equals(ServiceException.SILENCE);
        return isAway ? Sentences.silence(seconds, job) : trouble;
    }

    /**
     * Cancels a job for the user, who waits for it.
     *
     * @return the exception that ends the wait: the job is cancelled, or goes on because the service is away
     * @throws ServiceException if the service is there and refuses
     */
    public static ServiceException cancel(Connection connection, String job) {
        // The first failure may only show that the service was restarted; then it is found by the second.
        for (int i = 0; i < 2; i++) {
            try {
                connection.client().cancelJob(job);
                return Sentences.cancelled();
            } catch (ServiceException error) {
                if (!connection.lose(error)) {
                    throw error;
                }
            }
        }
        return Sentences.notCancelled(job);
    }

    /** Returns the exception for a result that arrived but cannot be read. */
    public static ServiceException damaged(String reason) {
        return Sentences.fault("its result cannot be read (" + reason + ")");
    }

    /** Returns the exception for a job that the user cancelled. */
    public static ServiceException cancelled() {
        return Sentences.cancelled();
    }
}
