package org.deepflash.commands;

import ij.IJ;
import org.deepflash.client.ProgressListener;
import org.deepflash.records.Progress;

/** Shows in ImageJ's status bar what the service works at, and for how long; the Escape key ends the wait. */
final class LongWork implements ProgressListener {

    private final String work;
    private String shown = "";

    LongWork(String work) {
        this.work = work;
    }

    @Override
    public void show(Progress progress) {
        if (!progress.getMessage().equals(shown)) {
            shown = progress.getMessage();
            IJ.showStatus("DeepFLaSH: " + work + " (" + shown + "; Escape ends it)");
        }
    }

    @Override
    public boolean isCancelled() {
        return IJ.escapePressed();
    }
}
