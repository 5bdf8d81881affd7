package org.deepflash.client;

import org.deepflash.records.Job;
import org.deepflash.records.PluginVersion;

/** The sentences for what can go wrong with the service; the same in dialog, macro and console. */
final class Sentences {

    private Sentences() {
    }

    static ServiceException down(String url) {
        return new ServiceException(ServiceException.DOWN, "No DeepFLaSH service answers at " + url
            + ". Start it with DFL Set Up... or `deepflash serve`, then try again.");
    }

    static ServiceException token(String url) {
        return new ServiceException(ServiceException.TOKEN, "The DeepFLaSH service at " + url
            + " refused the token. Run DFL Set Up... and leave Token empty to read the current one.");
    }

    static ServiceException version(String service, int api) {
        String file = api > PluginVersion.API
            ? "DeepFLaSH_Fiji-" + PluginVersion.get() + ".jar" : "the Python package deepflash-service";
        return new ServiceException(ServiceException.VERSION, "Plugin " + PluginVersion.get() + " and service "
            + service + " do not fit together. Update " + file + ".");
    }

    static ServiceException silence(int seconds, String job) {
        String goesOn = job.isEmpty() ? "See" : "Job " + job + " goes on; see";
        return new ServiceException(ServiceException.SILENCE, "The service stopped answering after " + seconds
            + " s. " + goesOn + " DFL Jobs...");
    }

    static ServiceException endless(int seconds) {
        return new ServiceException(ServiceException.SILENCE, "The service lives, but gave no answer within " + seconds
            + " s. Try again, with fewer images at once if that was too much work.");
    }

    static ServiceException restarted() {
        return new ServiceException(ServiceException.FAULT, "The service was started anew while it worked at the answer,"
            + " which is lost. Try again.");
    }

    static ServiceException fault(String message) {
        String text = message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
        return new ServiceException(ServiceException.FAULT, "The service failed: " + text
            + ". See DFL Report a Problem.");
    }

    static ServiceException interrupted(Job job) {
        if (!job.isResumable()) {
            return fault("job " + job.getId() + " was interrupted");
        }
        String cause = job.getErrorMessage().isEmpty() ? job.getProgress().getMessage() : job.getErrorMessage();
        return new ServiceException(ServiceException.INTERRUPTED, "Training " + job.getId() + " was interrupted. "
            + cause + (cause.isEmpty() ? "" : " ") + "Resume it with DFL Jobs...");
    }

    static ServiceException notCancelled(String job) {
        return new ServiceException(ServiceException.DOWN, "The service does not answer, so job " + job
            + " was not cancelled and goes on. Cancel it with DFL Jobs... when the service is back.");
    }

    static ServiceException cancelled() {
        return new ServiceException(ServiceException.CANCELLED, "Cancelled by the user.");
    }
}
