package org.deepflash.commands;

import ij.Prefs;
import org.deepflash.records.ConnectionSettings;

/** The connection settings in ImageJ's preferences. */
final class StoredSettings {

    private static final String PREFIX = "deepflash.";

    private StoredSettings() {
    }

    static ConnectionSettings load() {
        return new ConnectionSettings(Prefs.get(PREFIX + "service_url", ""), Prefs.get(PREFIX + "token", ""),
            Prefs.get(PREFIX + "start_local", false), Prefs.get(PREFIX + "python", ""),
            (int) Math.max(1, Math.min(ConnectionSettings.MAX_TIMEOUT,
                Prefs.get(PREFIX + "timeout_s", ConnectionSettings.DEFAULT_TIMEOUT))));
    }

    static void save(ConnectionSettings settings) {
        Prefs.set(PREFIX + "service_url", settings.getServiceUrl());
        Prefs.set(PREFIX + "token", settings.getToken());
        Prefs.set(PREFIX + "start_local", settings.startsLocal());
        Prefs.set(PREFIX + "python", settings.getPython());
        Prefs.set(PREFIX + "timeout_s", settings.getTimeout());
    }
}
