package org.deepflash.client;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code deepflash install-fiji} left in the plugins folder: which Python starts the service, and its home. */
public final class Installation {

    private static final String FILE = "DeepFLaSH/installation.json";

    private final String python;
    private final String home;

    private Installation(String python, String home) {
        this.python = python;
        this.home = home;
    }

    /**
     * Reads the file, which is missing where an update site brought the plugin.
     *
     * @param plugins the plugins folder, or null if there is none
     */
    public static Installation read(Path plugins) {
        JsonObject facts = new JsonObject();
        if (plugins != null) {
            try {
                facts = Json.readObject(Files.readAllBytes(plugins.resolve(FILE)));
            } catch (IOException error) {
                // No such file: the user names Python in DFL Set Up..., or deepflash is on the path.
            }
        }
        return new Installation(Json.text(facts, "python", ""), Json.text(facts, "home", ""));
    }

    /** Returns the Python that can start the service, or an empty text. */
    public String getPython() {
        return python;
    }

    /** Returns the home folder that was chosen at the installation, or an empty text. */
    public String getHome() {
        return home;
    }
}
