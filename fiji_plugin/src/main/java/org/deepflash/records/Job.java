package org.deepflash.records;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

/** One look at a job of the service. */
public final class Job {

    private static final Set<String> FINAL_STATES = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("done", "stopped", "cancelled", "failed", "interrupted")));

    private final String id;
    private final String state;
    private final String message;
    private final long current;
    private final long maximum;
    private final String model;
    private final String errorCode;
    private final String errorMessage;

    /**
     * @param id made by the service
     * @param state queued, running, stopping, done, stopped, cancelled, failed or interrupted
     * @param progress message, current, maximum
     * @param model NAME@VERSION, or empty
     * @param error code and message of a failure, or empty texts
     */
    public Job(String id, String state, Progress progress, String model, String... error) {
        this.id = id;
        this.state = state;
        this.message = progress.getMessage();
        this.current = progress.getCurrent();
        this.maximum = progress.getMaximum();
        this.model = model;
        this.errorCode = error.length > 0 ? error[0] : "";
        this.errorMessage = error.length > 1 ? error[1] : "";
    }

    /** Returns the id. */
    public String getId() {
        return id;
    }

    /** Returns the state. */
    public String getState() {
        return state;
    }

    /** Returns how far the job is. */
    public Progress getProgress() {
        return new Progress(message, current, maximum);
    }

    /** Returns NAME@VERSION of the model, or an empty text. */
    public String getModel() {
        return model;
    }

    /** Returns the code of the failure, or an empty text. */
    public String getErrorCode() {
        return errorCode;
    }

    /** Returns the sentence of the failure, or an empty text. */
    public String getErrorMessage() {
        return errorMessage;
    }

    /** Tells whether nothing more will happen. */
    public boolean isFinished() {
        return FINAL_STATES.contains(state);
    }
}
