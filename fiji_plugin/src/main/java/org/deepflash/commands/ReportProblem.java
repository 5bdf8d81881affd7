package org.deepflash.commands;

import ij.IJ;
import ij.ImageJ;
import ij.gui.GenericDialog;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.JobTable;
import org.deepflash.records.Job;
import org.deepflash.records.OptionText;
import org.deepflash.records.PluginVersion;

/** {@code DFL Report a Problem}: one zip file with logs and versions. No images, no token, nothing is sent. */
public final class ReportProblem extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("output_folder")));

    private static final int TAIL_BYTES = 512 * 1024;
    private static final int LOG_LETTERS = TAIL_BYTES / 8;
    private static final int JOBS = 20;
    private static final List<String> LOGS = Collections.unmodifiableList(Arrays.asList("service.log",
        "service-start.log"));

    @Override
    void runWithDialog() throws IOException {
        GenericDialog dialog = new GenericDialog("DFL Report a Problem");
        dialog.addDirectoryField("Output_folder", System.getProperty("user.home", ""), 36);
        dialog.addMessage("Saves versions, settings and logs as one file that you can read and mail.\n"
            + "It holds no images and no token, but names of files and folders. Nothing is sent.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        Path file = write(Paths.get(dialog.getNextString().trim()));
        IJ.showMessage("DeepFLaSH", Sentence.wrap("Saved " + file + "."));
    }

    @Override
    void runWith(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        IJ.log("DeepFLaSH: saved " + write(Paths.get(options.need("output_folder"))) + ".");
    }

    private static Path write(Path folder) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes, StandardCharsets.UTF_8)) {
            add(zip, "versions.txt", describeVersions());
            add(zip, "fiji-log.txt", IJ.getLog() == null ? "" : IJ.getLog());
            add(zip, "last-error.txt", Failures.getLast());
            add(zip, "service.txt", describeService());
            add(zip, "failed-jobs.txt", readFailures());
            for (String name : LOGS) {
                Path log = StoredSettings.findHome().resolve(name);
                add(zip, name, Files.isRegularFile(log) ? readTail(log) : "There is no " + log + ".");
            }
        }
        String time = LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT));
        Path file = folder.resolve("DeepFLaSH-report-" + time + ".zip");
        AtomicFiles.write(file, bytes.toByteArray());
        return file;
    }

    private static void add(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }

    private static String describeVersions() {
        return "Plugin: " + PluginVersion.get() + ", interface " + PluginVersion.API + "\nImageJ: " + ImageJ.VERSION
            + "\nJava: " + System.getProperty("java.version") + "\nSystem: " + System.getProperty("os.name") + " "
            + System.getProperty("os.version") + " " + System.getProperty("os.arch") + "\nMemory: "
            + Runtime.getRuntime().maxMemory() / (1024 * 1024) + " MB\nHome folder: " + StoredSettings.findHome() + "\n";
    }

    /** Says what the service tells; a service that is down is a finding too, and no reason to stop. */
    private static String describeService() {
        try {
            ServiceClient client = Connector.reconnect();
            List<Job> jobs = client.listJobs();
            return client.checkService().getJson() + "\n\n"
                + JobTable.toText(jobs.subList(0, Math.min(JOBS, jobs.size()))) + "\n";
        } catch (RuntimeException error) {
            return error.getMessage() + "\n";
        }
    }

    /** Returns the logs of the newest jobs that failed; of a service on another computer there is no other way to them. */
    private static String readFailures() {
        StringBuilder text = new StringBuilder();
        try {
            ServiceClient client = Connector.reconnect();
            for (Job job : client.listJobs()) {
                boolean isOfInterest = job.getState().equals("failed") || job.getState().equals("interrupted");
                if (isOfInterest && text.length() < TAIL_BYTES) {
                    text.append(job.getId()).append(":\n").append(readLog(client, job.getId())).append('\n');
                }
            }
        } catch (RuntimeException error) {
            text.append(error.getMessage()).append('\n');
        }
        return text.toString();
    }

    /** Returns the end of a log; that one cannot be had is no reason to leave out those of other jobs. */
    private static String readLog(ServiceClient client, String job) {
        try {
            String log = client.getLog(job);
            return log.substring(Math.max(0, log.length() - LOG_LETTERS));
        } catch (ServiceException error) {
            return error.getMessage();
        }
    }

    private static String readTail(Path log) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long start = Math.max(0, file.length() - TAIL_BYTES);
            byte[] bytes = new byte[(int) (file.length() - start)];
            file.seek(start);
            file.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }
}
