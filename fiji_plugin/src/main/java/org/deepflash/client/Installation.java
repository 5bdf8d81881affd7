package org.deepflash.client;

import com.google.gson.JsonObject;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.CodeSource;

/** What {@code deepflash install-fiji} left in the plugins folder: which Python starts the service, and its home. */
public final class Installation {

    private static final String FILE = "DeepFLaSH/installation.json";

    private final Path file;
    private final String python;
    private final String home;

    private Installation(Path file, String python, String home) {
        this.file = file;
        this.python = python;
        this.home = home;
    }

    /**
     * Reads the file, which is missing where an update site brought the plugin.
     *
     * @param folders where it may lie, the best first; null counts as none
     */
    public static Installation read(Path... folders) {
        for (Path folder : folders) {
            try {
                if (folder != null) {
                    Path file = folder.resolve(FILE);
                    JsonObject facts = Json.readObject(Files.readAllBytes(file));
                    return new Installation(file, Json.text(facts, "python", ""), Json.text(facts, "home", ""));
                }
            } catch (IOException error) {
                // No such file: the next folder, else the user names Python, or deepflash is on the path.
            }
        }
        return new Installation(null, "", "");
    }

    /**
     * Returns the folder of our jar, or null if it is not known. ImageJ without menus, as in batch without a display,
     * does not know its plugins folder, but the jar lies in it.
     */
    public static Path findFolderOfJar() {
        CodeSource source = Installation.class.getProtectionDomain().getCodeSource();
        try {
            return source == null ? null : Paths.get(source.getLocation().toURI()).getParent();
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException error) {
            return null;
        }
    }

    /** Returns the Python that can start the service; an empty text if none is known, or it is not there any more. */
    public String getPython() {
        return isPythonGone() ? "" : python;
    }

    private boolean isPythonGone() {
        return !python.isEmpty() && !new File(python).exists();
    }

    /** Returns a sentence on a Python that is not there any more, followed by a blank; an empty text if all is well. */
    public String describeLoss() {
        return isPythonGone() ? "The Python " + python + ", which " + file + " names, is not there any more: give"
            + " `deepflash install-fiji` again. " : "";
    }

    /** Returns the home folder that was chosen at the installation, or an empty text. */
    public String getHome() {
        return home;
    }
}
