package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.deepflash.client.Installation;
import org.deepflash.client.ServiceFinder;
import org.deepflash.records.ConnectionSettings;

/** The connection settings in ImageJ's preferences, and what the installation tells where they are silent. */
final class StoredSettings {

    private static final String PREFIX = "deepflash.";

    private StoredSettings() {
    }

    /** Returns the settings to work with. */
    static ConnectionSettings load() {
        ConnectionSettings chosen = loadChosen();
        Installation installed = readInstallation();
        String home = chosen.getHome().isEmpty() ? ServiceFinder.findNamedHome() : chosen.getHome();
        return chosen.with(chosen.getPython().isEmpty() ? installed.getPython() : chosen.getPython(),
            home.isEmpty() ? installed.getHome() : home);
    }

    /** Returns what the installation tells. */
    static Installation readInstallation() {
        String plugins = IJ.getDirectory("plugins");
        return Installation.read(plugins == null ? null : Paths.get(plugins), Installation.findFolderOfJar());
    }

    /** Returns the home folder of the service of this computer. */
    static Path findHome() {
        return ServiceFinder.findHome(load());
    }

    /** Returns what the user chose in {@code DFL Set Up...}. */
    static ConnectionSettings loadChosen() {
        return new ConnectionSettings(Prefs.get(PREFIX + "service_url", ""), Prefs.get(PREFIX + "token", ""),
            Prefs.get(PREFIX + "start_local", false), "",
            (int) Math.max(1, Math.min(ConnectionSettings.MAX_TIMEOUT,
                Prefs.get(PREFIX + "timeout_s", ConnectionSettings.DEFAULT_TIMEOUT))))
            .with(Prefs.get(PREFIX + "python", ""), Prefs.get(PREFIX + "home", ""));
    }

    static void save(ConnectionSettings settings) {
        Prefs.set(PREFIX + "service_url", settings.getServiceUrl());
        Prefs.set(PREFIX + "token", settings.getToken());
        Prefs.set(PREFIX + "start_local", settings.startsLocal());
        Prefs.set(PREFIX + "python", settings.getPython());
        Prefs.set(PREFIX + "home", settings.getHome());
        Prefs.set(PREFIX + "timeout_s", settings.getTimeout());
    }
}
