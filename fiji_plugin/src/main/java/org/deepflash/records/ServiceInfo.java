package org.deepflash.records;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the service tells about itself. */
public final class ServiceInfo {

    private final String name;
    private final String version;
    private final int api;
    private final String json;
    private final Map<String, String> facts;

    /**
     * @param name {@code deepflash} for our service
     * @param version of the service
     * @param api number of its HTTP interface
     * @param json the whole answer
     * @param facts device, queue, disk and the like, ready to be shown
     */
    public ServiceInfo(String name, String version, int api, String json, Map<String, String> facts) {
        this.name = name;
        this.version = version;
        this.api = api;
        this.json = json;
        this.facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }

    /** Returns {@code deepflash} for our service. */
    public String getName() {
        return name;
    }

    /** Returns the version of the service. */
    public String getVersion() {
        return version;
    }

    /** Returns the number of the HTTP interface. */
    public int getApi() {
        return api;
    }

    /** Returns device, queue, disk and the like, ready to be shown. */
    public Map<String, String> getFacts() {
        return facts;
    }

    /** Returns the whole answer as JSON. */
    public String getJson() {
        return json;
    }
}
