package org.deepflash.commands;

import ij.IJ;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.records.Job;

/** Tells once per session that a training goes on which an earlier Fiji may have started. */
final class RunningNotice {

    private static boolean isDone;

    private RunningNotice() {
    }

    /** Says nothing in this session any more: the user knows. */
    static synchronized void skip() {
        isDone = true;
    }

    /** Writes the line if this is the first command of the session and a training is not finished. */
    static synchronized void tell(ServiceClient client) {
        if (isDone) {
            return;
        }
        isDone = true;
        try {
            for (Job job : client.listJobs()) {
                if (job.isTraining() && !job.isFinished()) {
                    IJ.log("Training " + job.getId() + " goes on: open DFL Training Monitor.");
                    return;
                }
            }
        } catch (ServiceException error) {
            // The command itself will say what is wrong with the service.
            isDone = false;
        }
    }
}
