package org.deepflash.records;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The facts of a model card that dialogs and commands need. */
public final class ModelInfo {

    private final String name;
    private final int version;
    private final String target;
    private final double threshold;
    private final int minRoiSize;
    private final int channels;
    private final Map<String, String> facts;

    private ModelInfo(Builder builder) {
        this.name = builder.name;
        this.version = builder.version;
        this.target = builder.target;
        this.threshold = builder.threshold;
        this.minRoiSize = builder.minRoiSize;
        this.channels = builder.channels;
        this.facts = Collections.unmodifiableMap(new LinkedHashMap<>(builder.facts));
    }

    /** Returns the name in the library. */
    public String getName() {
        return name;
    }

    /** Returns the version number, from 1. */
    public int getVersion() {
        return version;
    }

    /** Returns what is segmented, such as {@code cFOS}; it becomes the class of the ROIs. */
    public String getTarget() {
        return target;
    }

    /** Returns the recommended threshold, 0 to 1. */
    public double getThreshold() {
        return threshold;
    }

    /** Returns the recommended minimum ROI size in pixels. */
    public int getMinRoiSize() {
        return minRoiSize;
    }

    /** Returns the number of image channels that the model expects. */
    public int getChannels() {
        return channels;
    }

    /** Returns what else the card tells, ready to be shown; what is not known is empty. */
    public Map<String, String> getFacts() {
        return facts;
    }

    /** Collects the facts of one model. */
    public static final class Builder {

        private final String name;
        private int version = 1;
        private String target = "roi";
        private double threshold = 0.5;
        private int minRoiSize;
        private int channels = 1;
        private Map<String, String> facts = Collections.emptyMap();

        /** @param name the name in the library */
        public Builder(String name) {
            this.name = name;
        }

        /** Sets the version number. */
        public Builder version(int value) {
            version = value;
            return this;
        }

        /** Sets what is segmented. */
        public Builder target(String value) {
            target = value;
            return this;
        }

        /** Sets the recommended threshold. */
        public Builder threshold(double value) {
            threshold = value;
            return this;
        }

        /** Sets the recommended minimum ROI size in pixels. */
        public Builder minRoiSize(int value) {
            minRoiSize = value;
            return this;
        }

        /** Sets the number of channels. */
        public Builder channels(int value) {
            channels = value;
            return this;
        }

        /** Sets what else the card tells. */
        public Builder facts(Map<String, String> value) {
            facts = value;
            return this;
        }

        /** Builds the value. */
        public ModelInfo build() {
            return new ModelInfo(this);
        }
    }
}
