package org.deepflash.client;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Locale;
import org.deepflash.records.ConnectionSettings;
import org.deepflash.records.ServiceAddress;

/** Finds the service: by the user's settings, else by the runtime file in the home folder. */
public final class ServiceFinder {

    private static final String LOOPBACK = "https?://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d+)?";

    private ServiceFinder() {
    }

    /** Returns the home folder: that of the settings, else {@link #findNamedHome}, else the user's data folder. */
    public static Path findHome(ConnectionSettings settings) {
        String chosen = settings.getHome().isEmpty() ? findNamedHome() : settings.getHome();
        if (chosen.startsWith("~/") || chosen.startsWith("~\\")) {
            return Paths.get(System.getProperty("user.home", ".")).resolve(chosen.substring(2));
        }
        return chosen.isEmpty() ? defaultHome() : Paths.get(chosen);
    }

    /** Returns the system property {@code deepflash.home}, else the variable DEEPFLASH_HOME, else an empty text. */
    public static String findNamedHome() {
        String chosen = System.getProperty("deepflash.home", "");
        return chosen.isEmpty() ? variable("DEEPFLASH_HOME") : chosen;
    }

    private static Path defaultHome() {
        Path user = Paths.get(System.getProperty("user.home", "."));
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (system.contains("win")) {
            String local = variable("LOCALAPPDATA");
            Path base = local.isEmpty() ? user.resolve("AppData").resolve("Local") : Paths.get(local);
            return base.resolve("deepflash").resolve("deepflash");
        }
        if (system.contains("mac")) {
            return user.resolve("Library").resolve("Application Support").resolve("deepflash");
        }
        String data = variable("XDG_DATA_HOME");
        Path base = data.isEmpty() ? user.resolve(".local").resolve("share") : Paths.get(data);
        return base.resolve("deepflash");
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value.trim();
    }

    /**
     * Returns the address to ask. What the settings leave empty comes from {@code service.json}.
     *
     * @throws ServiceException code {@code down} if neither names an address
     */
    public static ServiceAddress find(ConnectionSettings settings) {
        Path home = findHome(settings);
        JsonObject facts = readRuntimeFile(home);
        String url = settings.getServiceUrl().isEmpty() ? Json.text(facts, "url", "") : settings.getServiceUrl();
        // The token of this computer's service is never sent to another computer.
        String known = url.matches(LOOPBACK) ? Json.text(facts, "token", "") : "";
        String token = settings.getToken().isEmpty() ? known : settings.getToken();
        if (url.isEmpty()) {
            throw Sentences.down("this computer (there is no " + home.resolve("service.json") + ")");
        }
        return new ServiceAddress(url, token);
    }

    private static JsonObject readRuntimeFile(Path home) {
        try {
            return Json.readObject(Files.readAllBytes(home.resolve("service.json")));
        } catch (IOException error) {
            return new JsonObject();
        }
    }
}
