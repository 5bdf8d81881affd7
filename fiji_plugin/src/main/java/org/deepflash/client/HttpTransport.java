package org.deepflash.client;

import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.net.URLConnection;
import org.deepflash.records.ServiceAddress;

/** One HTTP request at a time, with the limits of the plugin: 2 s to connect, then a limit on silence. */
final class HttpTransport {

    private static final int CONNECT_MS = 2000;
    private static final byte[] NOTHING = new byte[0];

    private final ServiceAddress address;
    private final int timeout;

    HttpTransport(ServiceAddress address, int timeout) {
        this.address = address;
        this.timeout = timeout;
    }

    String getUrl() {
        return address.getUrl();
    }

    byte[] get(String path) {
        return send("GET", path, "", NOTHING);
    }

    /** Gets what the service works at for long; see {@link LongAnswer}. */
    byte[] get(String path, ProgressListener listener) {
        return new LongAnswer(this, timeout, listener).get(path);
    }

    byte[] send(String method, String path, String contentType, byte[] body) {
        return send(open(method, path, timeout), contentType, body);
    }

    /** Sends a request and reads its answer; the connection is closed afterwards. */
    byte[] send(HttpURLConnection connection, String contentType, byte[] body) {
        try {
            if (body.length > 0) {
                connection.setDoOutput(true);
                connection.setFixedLengthStreamingMode(body.length);
                connection.setRequestProperty("Content-Type", contentType);
            }
            connect(connection);
            return exchange(connection, body);
        } catch (SocketTimeoutException error) {
            throw Sentences.silence(timeout, "");
        } catch (IOException error) {
            throw Sentences.fault("the connection to " + address.getUrl() + " was cut (" + error.getMessage() + ")");
        } finally {
            connection.disconnect();
        }
    }

    /**
     * Prepares a request.
     *
     * @param seconds of silence after which it is given up, 0 for none
     */
    HttpURLConnection open(String method, String path, int seconds) {
        try {
            URL url = new URL(address.getUrl() + path);
            URLConnection connection = isLoopback(url.getHost()) ? url.openConnection(Proxy.NO_PROXY)
                : url.openConnection();
            HttpURLConnection http = (HttpURLConnection) connection;
            http.setRequestMethod(method);
            http.setConnectTimeout(CONNECT_MS);
            http.setReadTimeout(seconds * 1000);
            http.setInstanceFollowRedirects(false);
            http.setUseCaches(false);
            http.setRequestProperty("Accept", "*/*");
            if (!address.getToken().isEmpty()) {
                http.setRequestProperty("Authorization", "Bearer " + address.getToken());
            }
            return http;
        } catch (IOException | IllegalArgumentException | ClassCastException error) {
            throw Sentences.down(address.getUrl());
        }
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (IOException error) {
            return false;
        }
    }

    private void connect(HttpURLConnection connection) {
        try {
            connection.connect();
        } catch (IOException error) {
            throw Sentences.down(address.getUrl());
        }
    }

    private byte[] exchange(HttpURLConnection connection, byte[] body) throws IOException {
        if (body.length > 0) {
            try {
                upload(connection, body);
            } catch (SocketTimeoutException error) {
                throw error;
            } catch (IOException error) {
                // A service that refuses a body early answers before it has read all: prefer that answer.
                if (connection.getResponseCode() < 400) {
                    throw error;
                }
            }
        }
        int status = connection.getResponseCode();
        if (status >= 300 || status < 200) {
            throw refuse(status, readAll(connection.getErrorStream()));
        }
        byte[] answer = readAll(connection.getInputStream());
        // Java takes an answer that was cut off for a whole one.
        if (answer.length < connection.getContentLengthLong()) {
            throw new EOFException("the answer ended too early");
        }
        return answer;
    }

    private void upload(HttpURLConnection connection, byte[] body) throws IOException {
        try (UploadGuard guard = new UploadGuard(connection, timeout); OutputStream stream = connection.getOutputStream()) {
            guard.write(stream, body);
        }
    }

    private ServiceException refuse(int status, byte[] answer) {
        if (status == HttpURLConnection.HTTP_UNAUTHORIZED) {
            return Sentences.token(address.getUrl());
        }
        JsonObject problem = Json.readObject(answer);
        String code = Json.text(problem, "code", "");
        String detail = Json.text(problem, "detail", "");
        if (status >= 500 || code.isEmpty() || detail.isEmpty()) {
            return Sentences.fault(detail.isEmpty() ? "it answered with status " + status : detail);
        }
        return new ServiceException(code, detail, Json.text(Json.object(problem, "details"), "fault", ""));
    }

    private static byte[] readAll(InputStream stream) throws IOException {
        if (stream == null) {
            return NOTHING;
        }
        try (InputStream source = stream) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] buffer = new byte[65_536];
            for (int count = source.read(buffer); count >= 0; count = source.read(buffer)) {
                bytes.write(buffer, 0, count);
            }
            return bytes.toByteArray();
        }
    }
}
