package org.deepflash.records;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One look at a job of the service. */
public final class Job {

    private static final Set<String> FINAL_STATES = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("done", "stopped", "cancelled", "failed", "interrupted")));
    private static final Set<String> RESUMABLE_STATES = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("stopped", "failed", "interrupted")));

    private final String id;
    private final String kind;
    private final String state;
    private final Progress progress;
    private final String model;
    private final String created;
    private final String finished;
    private final String errorCode;
    private final String errorMessage;
    private final List<String> results;

    private Job(Builder builder) {
        this.id = builder.id;
        this.kind = builder.kind;
        this.state = builder.state;
        this.progress = builder.progress;
        this.model = builder.model;
        this.created = builder.created;
        this.finished = builder.finished;
        this.errorCode = builder.errorCode;
        this.errorMessage = builder.errorMessage;
        this.results = Collections.unmodifiableList(new ArrayList<>(builder.results));
    }

    /** Returns the id. */
    public String getId() {
        return id;
    }

    /** Returns training, segmentation or evaluation. */
    public String getKind() {
        return kind;
    }

    /** Tells whether the job trains a model. */
    public boolean isTraining() {
        return kind.equals("training");
    }

    /** Returns the state. */
    public String getState() {
        return state;
    }

    /** Returns how far the job is. */
    public Progress getProgress() {
        return progress;
    }

    /** Returns NAME@VERSION of the model, or an empty text. */
    public String getModel() {
        return model;
    }

    /** Returns when the job was made, as ISO 8601 text. */
    public String getCreated() {
        return created;
    }

    /** Returns when the job ended, as ISO 8601 text, or an empty text. */
    public String getFinished() {
        return finished;
    }

    /** Returns the code of the failure, or an empty text. */
    public String getErrorCode() {
        return errorCode;
    }

    /** Returns the sentence of the failure, or an empty text. */
    public String getErrorMessage() {
        return errorMessage;
    }

    /** Returns the names of the result files. */
    public List<String> getResults() {
        return results;
    }

    /** Tells whether nothing more will happen by itself. */
    public boolean isFinished() {
        return FINAL_STATES.contains(state);
    }

    /** Tells whether a worker has the job in hand and was not asked to end. */
    public boolean isRunning() {
        return state.equals("running");
    }

    /** Tells whether the job could go on where it ended. */
    public boolean isResumable() {
        return isTraining() && RESUMABLE_STATES.contains(state);
    }

    /** Returns the same job in another state, as far as events tell. */
    public Job at(String newState, Progress newProgress) {
        return new Builder(id).kind(kind).state(newState).progress(newProgress).model(model).created(created)
            .finished(finished).error(errorCode, errorMessage).results(results).build();
    }

    /** Collects the facts of one job. */
    public static final class Builder {

        private final String id;
        private String kind = "";
        private String state = "queued";
        private Progress progress = new Progress("", 0, 0);
        private String model = "";
        private String created = "";
        private String finished = "";
        private String errorCode = "";
        private String errorMessage = "";
        private List<String> results = Collections.emptyList();

        /** @param id made by the service */
        public Builder(String id) {
            this.id = id;
        }

        /** Sets training, segmentation or evaluation. */
        public Builder kind(String value) {
            kind = value;
            return this;
        }

        /** Sets queued, running, stopping, done, stopped, cancelled, failed or interrupted. */
        public Builder state(String value) {
            state = value;
            return this;
        }

        /** Sets message, current and maximum. */
        public Builder progress(Progress value) {
            progress = value;
            return this;
        }

        /** Sets NAME@VERSION. */
        public Builder model(String value) {
            model = value;
            return this;
        }

        /** Sets when the job was made. */
        public Builder created(String value) {
            created = value;
            return this;
        }

        /** Sets when the job ended. */
        public Builder finished(String value) {
            finished = value;
            return this;
        }

        /** Sets code and sentence of a failure. */
        public Builder error(String code, String message) {
            errorCode = code;
            errorMessage = message;
            return this;
        }

        /** Sets the names of the result files. */
        public Builder results(List<String> value) {
            results = value;
            return this;
        }

        /** Builds the value. */
        public Job build() {
            return new Job(this);
        }
    }
}
