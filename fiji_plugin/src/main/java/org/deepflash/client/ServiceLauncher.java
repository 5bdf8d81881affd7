package org.deepflash.client;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.deepflash.records.ConnectionSettings;

/** Starts the service on this computer; it goes on when ImageJ is closed. */
public final class ServiceLauncher {

    private static final long LIMIT_NS = 60_000_000_000L;

    private ServiceLauncher() {
    }

    /**
     * Starts {@code deepflash serve} and waits until it answers.
     *
     * @param note a sentence to tell besides where nothing can be started, may be empty
     * @throws ServiceException code {@code down} or {@code fault} with the last line of its log
     */
    public static void start(ConnectionSettings settings, String note) {
        Path home = ServiceFinder.findHome(settings);
        Path log = home.resolve("service-start.log");
        try {
            Files.createDirectories(home);
            Process process = new ProcessBuilder(command(settings, home)).redirectErrorStream(true)
                .redirectOutput(log.toFile()).redirectInput(nullFile()).start();
            await(process, settings, log);
        } catch (IOException error) {
            throw new ServiceException(ServiceException.DOWN, "The service could not be started ("
                + error.getMessage() + "). " + note + "Run DFL Set Up... and name the Python or deepflash executable in Python.");
        }
    }

    private static File nullFile() {
        return new File(File.separatorChar == '\\' ? "NUL" : "/dev/null");
    }

    private static List<String> command(ConnectionSettings settings, Path home) {
        String executable = settings.getPython().isEmpty() ? "deepflash" : settings.getPython();
        List<String> words = new ArrayList<>();
        words.add(executable);
        if (new File(executable).getName().toLowerCase(Locale.ROOT).startsWith("python")) {
            words.addAll(Arrays.asList("-m", "deepflash_service.cli"));
        }
        words.addAll(Arrays.asList("serve", "--no-browser", "--home", home.toString()));
        return words;
    }

    private static void await(Process process, ConnectionSettings settings, Path log) throws IOException {
        ConnectionSettings local = settings.ofThisComputer();
        long start = System.nanoTime();
        while (System.nanoTime() - start < LIMIT_NS) {
            try {
                new HttpServiceClient(ServiceFinder.find(local), local.getTimeout()).checkService();
                return;
            } catch (ServiceException error) {
                if (!process.isAlive()) {
                    throw Sentences.fault("it ended at once with \"" + lastLine(log) + "\"");
                }
                pause();
            }
        }
        throw Sentences.down(ServiceFinder.findHome(settings).toString());
    }

    private static void pause() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw Sentences.cancelled();
        }
    }

    private static String lastLine(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return lines.isEmpty() ? "" : lines.get(lines.size() - 1);
    }
}
