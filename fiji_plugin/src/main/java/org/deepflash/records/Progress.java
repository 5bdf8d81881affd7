package org.deepflash.records;

/** How far something is: a sentence, and {@code current} of {@code maximum} (0 = unknown). */
public final class Progress {

    private final String message;
    private final long current;
    private final long maximum;

    /**
     * @param message what is being done
     * @param current steps done
     * @param maximum steps in all, 0 if unknown
     */
    public Progress(String message, long current, long maximum) {
        this.message = message;
        this.current = current;
        this.maximum = maximum;
    }

    /** Returns what is being done. */
    public String getMessage() {
        return message;
    }

    /** Returns the steps done. */
    public long getCurrent() {
        return current;
    }

    /** Returns the steps in all, 0 if unknown. */
    public long getMaximum() {
        return maximum;
    }

    /** Returns the part done, 0 to 1. */
    public double getFraction() {
        return maximum <= 0 ? 0.0 : Math.min(1.0, (double) current / maximum);
    }
}
