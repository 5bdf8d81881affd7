package org.deepflash.client;

import org.deepflash.records.EventPage;
import org.deepflash.records.Job;
import org.deepflash.records.JobEvent;
import org.deepflash.records.Progress;

/**
 * Reads what happens to a job, by cursor, across restarts of the service.
 *
 * <p>Not for several threads at once: one thread looks, and hands copies to others.
 */
public final class JobFollower {

    private static final long SECOND_NS = 1_000_000_000L;
    /** Seconds for which an interrupted training may be taken up again by the service. */
    private static final long GRACE_S = 8;

    private final Connection connection;
    private final TrainingHistory history = new TrainingHistory();
    private Job job;
    private String known = "";
    private long after;
    private long answered = System.nanoTime();
    private long changed = System.nanoTime();
    private ServiceException trouble;

    /** @param job as it was at the last look */
    public JobFollower(Connection connection, Job job) {
        this.connection = connection;
        this.job = job;
    }

    /**
     * Looks once. A service that is away is no error: see {@link #getTrouble}.
     *
     * @return whether anything is new
     * @throws ServiceException if the service is there and refuses, as for a job that it does not know
     */
    public boolean look() {
        boolean wasInTrouble = trouble != null;
        try {
            boolean isNew = read(connection.client());
            trouble = null;
            answered = System.nanoTime();
            return isNew || wasInTrouble;
        } catch (ServiceException error) {
            if (!connection.lose(error)) {
                throw error;
            }
            trouble = error;
            return !wasInTrouble;
        }
    }

    private boolean read(ServiceClient client) {
        EventPage page = client.getEvents(job.getId(), after);
        for (JobEvent event : page.getEvents()) {
            history.add(event);
            job = job.at(job.getState(), mergeProgress(event.getProgress()));
        }
        after = page.getNext();
        boolean isOther = !page.getState().equals(known);
        if (isOther) {
            // Model, error and results come with the job itself.
            job = client.getJob(job.getId());
            known = page.getState();
            changed = System.nanoTime();
        }
        return isOther || !page.getEvents().isEmpty();
    }

    private Progress mergeProgress(Progress next) {
        boolean isPlain = next.getMaximum() <= 0;
        return isPlain ? new Progress(next.getMessage(), job.getProgress().getCurrent(), job.getProgress().getMaximum())
            : next;
    }

    /** Returns the job as it was at the last look. */
    public Job getJob() {
        return job;
    }

    /** Returns a copy of what was told so far. */
    public TrainingHistory getHistory() {
        return history.copy();
    }

    /** Returns why the last look failed, or null if it did not. */
    public ServiceException getTrouble() {
        return trouble;
    }

    /** Returns for how many seconds the service has been away, 0 if it is there. */
    public long getSilentSeconds() {
        return trouble == null ? 0 : (System.nanoTime() - answered) / SECOND_NS;
    }

    /** Tells whether the job has ended; an interrupted one only when the service does not take it up again. */
    public boolean isOver() {
        boolean mayGoOn = job.getState().equals("interrupted") && System.nanoTime() - changed < GRACE_S * SECOND_NS;
        return trouble == null && job.isFinished() && !mayGoOn;
    }
}
