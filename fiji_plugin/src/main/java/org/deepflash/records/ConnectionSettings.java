package org.deepflash.records;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

/** How the service is reached and started: the keys of {@code DFL Set Up...}. Empty texts mean "find it yourself". */
public final class ConnectionSettings {

    /** The macro keys. */
    public static final Set<String> KEYS = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("service_url", "token", "start_local", "python", "home", "timeout_s")));

    /** Seconds without an answer or progress after which a wait is given up. */
    public static final int DEFAULT_TIMEOUT = 30;

    /** A day, in seconds; Java counts the milliseconds of a wait in 31 bits. */
    public static final int MAX_TIMEOUT = 86_400;

    private final String serviceUrl;
    private final String token;
    private final boolean startsLocal;
    private final String python;
    private final int timeout;
    private final String home;

    /**
     * @param serviceUrl address such as {@code http://127.0.0.1:8000}, or empty
     * @param token access token, or empty
     * @param startsLocal whether a service that is down is started on this computer
     * @param python Python or {@code deepflash} executable that starts it, or empty
     * @param timeout seconds without answer or progress, 1 to {@link #MAX_TIMEOUT}
     */
    public ConnectionSettings(String serviceUrl, String token, boolean startsLocal, String python, int timeout) {
        this(serviceUrl, token, startsLocal, python, timeout, "");
    }

    private ConnectionSettings(String serviceUrl, String token, boolean startsLocal, String python, int timeout,
            String home) {
        if (!serviceUrl.isEmpty() && !serviceUrl.matches("https?://[^/\\s]+/?")) {
            throw new InputException("service_url " + serviceUrl + " is no address. Write it like http://127.0.0.1:8000,"
                + " or leave it empty to use the service of this computer.");
        }
        if (timeout < 1 || timeout > MAX_TIMEOUT) {
            throw new InputException("timeout_s=" + timeout + " cannot be used. Give seconds from 1 to " + MAX_TIMEOUT
                + "; usual is " + DEFAULT_TIMEOUT + ".");
        }
        this.serviceUrl = serviceUrl.endsWith("/") ? serviceUrl.substring(0, serviceUrl.length() - 1) : serviceUrl;
        this.token = token;
        this.startsLocal = startsLocal;
        this.python = python;
        this.timeout = timeout;
        this.home = home;
    }

    /** Returns these settings with another executable and home folder; empty texts mean "find it yourself". */
    public ConnectionSettings with(String otherPython, String otherHome) {
        return new ConnectionSettings(serviceUrl, token, startsLocal, otherPython, timeout, otherHome);
    }

    /** Returns the settings for the service of this computer, whatever address and token were set. */
    public ConnectionSettings ofThisComputer() {
        return new ConnectionSettings("", "", startsLocal, python, timeout, home);
    }

    /** Reads the settings from a macro string; keys that are absent are empty or off. */
    public static ConnectionSettings fromOptions(OptionText options) {
        return new ConnectionSettings(options.get("service_url", ""), options.get("token", ""),
            options.has("start_local"), options.get("python", ""), options.getInt("timeout_s", DEFAULT_TIMEOUT),
            options.get("home", ""));
    }

    /** Returns the address without a slash at the end, or an empty text. */
    public String getServiceUrl() {
        return serviceUrl;
    }

    /** Returns the token, or an empty text. */
    public String getToken() {
        return token;
    }

    /** Tells whether a service that is down is started on this computer. */
    public boolean startsLocal() {
        return startsLocal;
    }

    /** Returns the executable that starts the service, or an empty text. */
    public String getPython() {
        return python;
    }

    /** Returns the home folder of the service of this computer, or an empty text. */
    public String getHome() {
        return home;
    }

    /** Returns the seconds without answer or progress after which a wait is given up. */
    public int getTimeout() {
        return timeout;
    }
}
