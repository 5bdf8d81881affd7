package org.deepflash.driver;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.macro.Interpreter;
import ij.measure.ResultsTable;
import ij.plugin.frame.Recorder;
import ij.plugin.frame.RoiManager;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/**
 * A person at ImageJ, led by lines on standard input: opens images, chooses menu commands, presses buttons,
 * reads what is shown. Each line is answered by one line {@code >> text}, line breaks written as {@code \n}.
 * Used by tests/fiji.
 */
public final class FijiDriver {

    private static final PrintStream OUT = System.out;

    private FijiDriver() {
    }

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        new ImageJ();
        OUT.println(">> ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String answer;
            try {
                int blank = line.indexOf(' ');
                answer = blank < 0 ? obey(line, "") : obey(line.substring(0, blank), line.substring(blank + 1));
            } catch (Throwable error) {
                answer = "error: " + error;
            }
            String text = answer == null ? "" : answer.replace("\\", "\\\\").replace("\n", "\\n");
            OUT.println(">> " + text);
            OUT.flush();
        }
        System.exit(0);
    }

    private static String obey(String word, String rest) throws Exception {
        switch (word) {
            case "open":
                ImagePlus image = IJ.openImage(rest);
                image.show();
                return image.getTitle();
            case "menu":
                IJ.doCommand(rest);
                return "";
            case "idle":
                return awaitIdle();
            case "record":
                if (Recorder.getInstance() != null) {
                    Recorder.getInstance().close();
                }
                new Recorder();
                return "";
            case "recorded":
                return Recorder.getInstance().getText();
            case "macro":
                return runMacro(rest);
            case "rois":
                return describe(rest.isEmpty() ? WindowManager.getCurrentImage() : WindowManager.getImage(rest));
            case "show":
                WindowManager.setCurrentWindow(WindowManager.getImage(rest).getWindow());
                return "";
            case "manager":
                return manager(rest);
            case "images":
                return images();
            case "table":
                ResultsTable table = ResultsTable.getResultsTable(rest);
                return table == null ? "" : table.getColumnHeadings().replace('\t', ',') + "\n" + table.size();
            case "range":
                String[] numbers = rest.split(" ");
                WindowManager.getCurrentImage().setDisplayRange(Double.parseDouble(numbers[0]),
                    Double.parseDouble(numbers[1]));
                return "";
            case "log":
                return IJ.getLog();
            case "closeall":
                return closeAll();
            default:
                return Screen.obey(word, rest);
        }
    }

    /** Waits until no command runs any more, or until a dialog waits for the person. */
    private static String awaitIdle() throws InterruptedException {
        long end = System.currentTimeMillis() + 300_000;
        while (System.currentTimeMillis() < end) {
            boolean isRunning = Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("DFL "));
            if (!isRunning || Screen.isAsking()) {
                return "";
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException("a command still runs");
    }

    /** Runs a macro; a dialog that it leaves waiting is told and closed. */
    private static String runMacro(String text) throws InterruptedException {
        Interpreter interpreter = new Interpreter();
        AtomicReference<String> answer = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            try {
                String result = interpreter.run(text.replace("\\n", "\n"), "");
                String fault = interpreter.getErrorMessage();
                answer.set(fault == null ? "done " + result : "aborted " + fault);
            } catch (RuntimeException error) {
                answer.set("aborted " + interpreter.getErrorMessage());
            }
        }, "macro");
        thread.start();
        while (thread.isAlive()) {
            thread.join(50);
            String waiting = thread.isAlive() ? Screen.closeMacroError() : "";
            if (!waiting.isEmpty()) {
                thread.join(5000);
                return "window " + waiting;
            }
        }
        return answer.get();
    }

    private static String describe(ImagePlus image) {
        Overlay overlay = image == null ? null : image.getOverlay();
        return overlay == null ? "" : Arrays.stream(overlay.toArray()).map(FijiDriver::describe)
            .collect(Collectors.joining("\n"));
    }

    private static String describe(Roi roi) {
        int hash = roi.getMask() == null ? 0 : Arrays.hashCode((byte[]) roi.getMask().getPixels());
        return roi.getName() + " " + roi.getBounds().x + "," + roi.getBounds().y + "," + roi.getBounds().width + ","
            + roi.getBounds().height + " " + hash + " " + roi.getCPosition() + "," + roi.getZPosition() + ","
            + roi.getTPosition() + "," + roi.getPosition() + " " + roi.getProperty("dfl.model");
    }

    private static String manager(String action) {
        RoiManager manager = RoiManager.getRoiManager();
        if (action.equals("mine")) {
            Roi own = new Roi(1, 1, 5, 5);
            own.setName("my own");
            manager.add(own, -1);
        }
        return Arrays.stream(manager.getRoisAsArray()).map(Roi::getName).collect(Collectors.joining("\n"));
    }

    private static String images() {
        int[] ids = WindowManager.getIDList();
        return ids == null ? "" : Arrays.stream(ids).mapToObj(WindowManager::getImage)
            .map(image -> image.getTitle() + " " + image.getBitDepth() + " " + image.getStackSize() + " "
                + image.getStatistics().min + " " + image.getStatistics().max + " "
                + image.getCalibration().pixelWidth + " " + image.getCalibration().getUnit())
            .collect(Collectors.joining("\n"));
    }

    private static String closeAll() {
        int[] ids = WindowManager.getIDList();
        for (int id : ids == null ? new int[0] : ids) {
            ImagePlus image = WindowManager.getImage(id);
            image.changes = false;
            image.close();
        }
        IJ.log("\\Clear");
        return "";
    }
}
