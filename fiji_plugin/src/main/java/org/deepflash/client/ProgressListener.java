package org.deepflash.client;

import org.deepflash.records.Progress;

/** Hears how far a job is and says whether it shall go on. */
public interface ProgressListener {

    /** Called at every change. */
    void show(Progress progress);

    /** Tells whether the user wants to stop. */
    boolean isCancelled();
}
