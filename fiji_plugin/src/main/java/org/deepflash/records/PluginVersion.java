package org.deepflash.records;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** Version of this plugin and of the HTTP interface it was built for. */
public final class PluginVersion {

    /** Number of the HTTP interface that this plugin speaks. */
    public static final int API = 1;

    private PluginVersion() {
    }

    /** Returns the version of the jar, {@code 0.0.0} if it cannot be read. */
    public static String get() {
        Properties properties = new Properties();
        try (InputStream stream = PluginVersion.class.getResourceAsStream("/org/deepflash/plugin.properties")) {
            if (stream != null) {
                properties.load(stream);
            }
        } catch (IOException error) {
            return "0.0.0";
        }
        return properties.getProperty("version", "0.0.0");
    }
}
