package org.deepflash.commands;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.EpochPoint;
import org.deepflash.records.Job;

/** Says in words how far a training is; what the service did not tell is left out. */
final class TrainingText {

    private static final String PART = ", ";

    private TrainingText() {
    }

    /** Returns one line for one epoch, as it stands in the Log. */
    static String epochLine(EpochPoint point, TrainingHistory history) {
        List<String> parts = new ArrayList<>();
        parts.add("epoch " + point.getTotal() + (history.getEpochs() > 0 ? " of " + history.getEpochs() : ""));
        add(parts, "loss ", point.getMetric("loss"), "%.4f");
        add(parts, "F1 ", point.getMetric("f1"), "%.3f");
        add(parts, "ROI Jaccard ", point.getMetric("roi_jaccard"), "%.3f");
        add(parts, "pixel Jaccard ", point.getMetric("pixel_jaccard"), "%.3f");
        double left = point.getMetric("seconds_left");
        if (!Double.isNaN(left)) {
            parts.add(duration(left) + " left");
        }
        return String.join(PART, parts);
    }

    private static void add(List<String> parts, String name, double value, String format) {
        if (!Double.isNaN(value)) {
            parts.add(name + String.format(Locale.ROOT, format, value));
        }
    }

    /** Returns "Epoch 12 of 50 · member 1 of 3"; of a training that ended by itself before, that it did. */
    static String epochs(TrainingHistory history, Job job) {
        int last = countEpochs(history);
        String text = epochs(history);
        boolean isEarly = job.getState().equals("done") && last > 0 && last < history.getEpochs();
        return isEarly ? text + ", stopped early" : text;
    }

    private static int countEpochs(TrainingHistory history) {
        List<EpochPoint> points = history.getPoints();
        return points.isEmpty() ? 0 : points.get(points.size() - 1).getTotal();
    }

    private static String epochs(TrainingHistory history) {
        List<EpochPoint> points = history.getPoints();
        int last = countEpochs(history);
        if (last == 0 && history.getEpochs() == 0) {
            return "The first epoch has not begun yet";
        }
        String text = "Epoch " + last + (history.getEpochs() > 0 ? " of " + history.getEpochs() : "");
        double members = history.getMetric("members");
        boolean isEnsemble = members > 1 && !points.isEmpty();
        return isEnsemble ? text + "  \u00b7  network " + points.get(points.size() - 1).getMember() + " of "
            + (int) members : text;
    }

    /** Returns "4.2 s per epoch · 3 min 10 s left", as far as known. */
    static String pace(TrainingHistory history, double secondsLeft) {
        List<String> parts = new ArrayList<>();
        double seconds = history.getMetric("seconds_per_epoch");
        if (!Double.isNaN(seconds)) {
            parts.add(duration(seconds) + " per epoch");
        }
        if (!Double.isNaN(secondsLeft)) {
            parts.add(duration(secondsLeft) + " left");
        }
        return String.join("  \u00b7  ", parts);
    }

    /** Returns device and memory, as far as known. */
    static String device(TrainingHistory history, String fallback) {
        String device = history.getDevice().isEmpty() ? fallback : history.getDevice();
        double bytes = history.getMetric("memory_bytes");
        if (Double.isNaN(bytes)) {
            return device;
        }
        return (device.isEmpty() ? "" : device + "  \u00b7  ") + String.format(Locale.ROOT, "%.1f GB memory", bytes / 1e9);
    }

    /** Returns what the end of a training means, or an empty text while it goes on. */
    static String ending(Job job) {
        switch (job.getState()) {
            case "done":
                return "Done: " + job.getModel() + " is in the library." + remarks(job);
            case "stopped":
                if (!job.getModel().contains("@")) {
                    return job.getProgress().getMessage();
                }
                return "Stopped: " + job.getModel() + " in the library holds the best weights. Resume trains on from here."
                    + remarks(job);
            case "cancelled":
                return "Cancelled: nothing was kept.";
            case "failed":
                return job.getErrorMessage().isEmpty() ? "The training failed." : job.getErrorMessage();
            case "interrupted":
                return job.getErrorMessage().isEmpty() ? job.getProgress().getMessage() : job.getErrorMessage();
            default:
                return "";
        }
    }

    /** Returns what the service says besides that the model is saved: why it ended early, whether it was worth it. */
    private static String remarks(Job job) {
        String message = job.getProgress().getMessage();
        String saved = "Saved " + job.getModel() + ".";
        String rest = message.contains(saved) ? message.replace(saved, "").replaceAll("\\s+", " ").trim() : "";
        return rest.isEmpty() ? "" : " " + rest;
    }

    /** Returns what stands in place of the picture of a held-out image while there is none. */
    static String missingPreview(Job job, TrainingHistory history) {
        if (!job.isFinished()) {
            return "comes with the first scores";
        }
        if (!Double.isNaN(history.getMetric("f1"))) {
            return "cannot be had from the service";
        }
        return job.getState().equals("done") ? "there is none: no image was held out"
            : "there is none: it ended before the first scores";
    }

    /** Returns "45 s", "3 min 10 s" or "2 h 05 min"; below ten seconds with one decimal. */
    static String duration(double seconds) {
        if (seconds < 9.95) {
            return String.format(Locale.ROOT, "%.1f s", Math.max(0, seconds));
        }
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + " s";
        }
        if (whole < 3600) {
            return whole / 60 + " min " + String.format(Locale.ROOT, "%02d s", whole % 60);
        }
        return whole / 3600 + " h " + String.format(Locale.ROOT, "%02d min", whole / 60 % 60);
    }
}
