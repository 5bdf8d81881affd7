package org.deepflash.fiji;

import ij.measure.ResultsTable;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import org.deepflash.records.Job;
import org.deepflash.records.Progress;

/** The table "DeepFLaSH Jobs", and its rows as text. */
public final class JobTable {

    /** Title of the window. */
    public static final String TITLE = "DeepFLaSH Jobs";

    private static final String[] HEADINGS = {"ID", "Kind", "State", "Message", "Progress", "Model", "Created"};
    private static final DateTimeFormatter MINUTES = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);

    private JobTable() {
    }

    /** Shows the jobs in the window, in place of what was there. */
    public static void show(List<Job> jobs) {
        ResultsTable table = new ResultsTable();
        table.showRowNumbers(false);
        for (Job job : jobs) {
            table.addRow();
            String[] cells = cells(job);
            for (int i = 0; i < cells.length; i++) {
                table.addValue(HEADINGS[i], cells[i]);
            }
        }
        table.show(TITLE);
    }

    /** Returns heading and rows, cells parted by tabs. */
    public static String toText(List<Job> jobs) {
        StringBuilder text = new StringBuilder(String.join("\t", HEADINGS));
        for (Job job : jobs) {
            text.append('\n').append(String.join("\t", cells(job)));
        }
        return text.toString();
    }

    private static String[] cells(Job job) {
        return new String[] {job.getId(), job.getKind(), job.getState(), oneLine(message(job)),
            progress(job.getProgress()), job.getModel(), toMinutes(job.getCreated())};
    }

    private static String message(Job job) {
        boolean hasFailed = job.getState().equals("failed") && !job.getErrorMessage().isEmpty();
        return hasFailed ? job.getErrorMessage() : job.getProgress().getMessage();
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").trim();
    }

    private static String progress(Progress progress) {
        return progress.getMaximum() <= 0 ? "" : progress.getCurrent() + " of " + progress.getMaximum();
    }

    /** Returns date and minute in the time zone of this computer; text that is no time stays as it is. */
    public static String toMinutes(String iso) {
        try {
            return OffsetDateTime.parse(iso).atZoneSameInstant(ZoneId.systemDefault()).format(MINUTES);
        } catch (DateTimeException error) {
            return iso;
        }
    }

    /** Returns everything about one job, a line per fact. */
    public static String describe(Job job) {
        StringBuilder text = new StringBuilder();
        line(text, "Job", job.getId());
        line(text, "Kind", job.getKind());
        line(text, "State", job.getState());
        line(text, "Message", oneLine(job.getProgress().getMessage()));
        line(text, "Progress", progress(job.getProgress()));
        line(text, "Model", job.getModel());
        line(text, "Created", toMinutes(job.getCreated()));
        line(text, "Finished", toMinutes(job.getFinished()));
        line(text, "Error", job.getErrorMessage());
        line(text, "Results", String.join(", ", job.getResults()));
        return text.toString().trim();
    }

    private static void line(StringBuilder text, String name, String value) {
        if (!value.isEmpty()) {
            text.append(name).append(": ").append(value).append('\n');
        }
    }
}
