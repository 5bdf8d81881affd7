package org.deepflash.records;

/** Where a service answers, and the token that opens it. */
public final class ServiceAddress {

    private final String url;
    private final String token;

    /**
     * @param url such as {@code http://127.0.0.1:8000}, without path
     * @param token access token, may be empty
     */
    public ServiceAddress(String url, String token) {
        this.url = url;
        this.token = token;
    }

    /** Returns the address without path. */
    public String getUrl() {
        return url;
    }

    /** Returns the access token, may be empty. */
    public String getToken() {
        return token;
    }
}
