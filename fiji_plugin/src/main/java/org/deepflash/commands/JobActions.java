package org.deepflash.commands;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.JobTable;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.OptionText;

/** What {@code DFL Jobs...} does: each action gives a text, and acts on one job by id or on the {@code latest}. */
final class JobActions {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("action", "job")));
    /** The words of {@code action}. */
    static final List<String> ACTIONS = Collections.unmodifiableList(
        Arrays.asList("list", "show", "stop", "cancel", "resume", "log"));
    /** Stands for the newest job to which the action applies. */
    static final String LATEST = "latest";

    private final ServiceClient client;
    private final String action;
    private final String word;

    /**
     * @throws InputException naming an unknown key or action
     */
    JobActions(ServiceClient client, OptionText options) {
        this.client = client;
        this.action = checkAction(options);
        this.word = options.get("job", LATEST);
    }

    /**
     * Returns the action, before anybody is asked.
     *
     * @throws InputException naming an unknown key or action
     */
    static String checkAction(OptionText options) {
        options.allowOnly(KEYS);
        String action = options.get("action", "list");
        if (!ACTIONS.contains(action)) {
            throw new InputException("action=" + action + " is not known. Choose one of " + String.join(", ", ACTIONS)
                + ".");
        }
        return action;
    }

    /** Tells whether the text is long and wants a window of its own. */
    static boolean isLong(String action) {
        return action.equals("show") || action.equals("log");
    }

    /** Carries out the action and returns what came of it. */
    String carryOut() {
        switch (action) {
            case "list":
                return JobTable.toText(client.listJobs());
            case "show":
                return JobTable.describe(find(job -> true, "There is no job yet."));
            case "log":
                return readLog(find(job -> true, "There is no job yet."));
            case "stop":
                Job stopped = client.stopJob(find(job -> job.isTraining() && job.isRunning(),
                    "No training runs that could be stopped.").getId());
                return "Training " + stopped.getId() + " stops at the next batch and keeps its best weights.";
            case "cancel":
                return cancel(find(job -> !job.isFinished(), "No job runs or waits that could be cancelled."));
            default:
                Job resumed = client.resumeJob(find(Job::isResumable,
                    "No training was stopped, interrupted or has failed, so none can be resumed.").getId());
                return "Training " + resumed.getId() + " goes on where it ended.";
        }
    }

    /** Returns the job that is meant, so that a person can be asked before it is ended. */
    String findToCancel() {
        return find(job -> !job.isFinished(), "No job runs or waits that could be cancelled.").getId();
    }

    private String cancel(Job job) {
        boolean isOver = job.isFinished() && !job.getState().equals("interrupted");
        if (isOver) {
            throw new ServiceException("job_finished", "Job " + job.getId() + " has ended already (" + job.getState()
                + "); nothing is left to cancel.");
        }
        client.cancelJob(job.getId());
        return "Job " + job.getId() + " is cancelled; its results are discarded.";
    }

    private Job find(Predicate<Job> fits, String none) {
        if (!word.equals(LATEST)) {
            return client.getJob(word);
        }
        for (Job job : client.listJobs()) {
            if (fits.test(job)) {
                return job;
            }
        }
        throw new InputException(none + " See the list with action=list.");
    }

    private String readLog(Job job) {
        String text = client.getLog(job.getId()).trim();
        return text.isEmpty() ? "Job " + job.getId() + " has told nothing yet." : text;
    }
}
