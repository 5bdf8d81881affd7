package org.deepflash.commands;

import ij.IJ;
import org.deepflash.client.ProgressListener;
import org.deepflash.records.Progress;

/** Shows progress in ImageJ's status bar; the Escape key cancels. */
final class ImageJProgress implements ProgressListener {

    private final int plane;
    private final int planes;

    /**
     * @param plane index of the present plane, from 0
     * @param planes number of planes in all
     */
    ImageJProgress(int plane, int planes) {
        this.plane = plane;
        this.planes = planes;
    }

    @Override
    public void show(Progress progress) {
        String where = planes > 1 ? " (plane " + (plane + 1) + " of " + planes + ")" : "";
        IJ.showStatus("DeepFLaSH: " + progress.getMessage() + where);
        IJ.showProgress((plane + progress.getFraction()) / planes);
    }

    @Override
    public boolean isCancelled() {
        return IJ.escapePressed();
    }
}
