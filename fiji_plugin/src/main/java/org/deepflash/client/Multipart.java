package org.deepflash.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** A multipart/form-data body. */
final class Multipart {

    private final String boundary = "deepflash-" + UUID.randomUUID();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Adds a part of JSON text. */
    Multipart addJson(String name, String json) {
        begin("form-data; name=\"" + name + "\"", "application/json");
        return write(json.getBytes(StandardCharsets.UTF_8)).write("\r\n");
    }

    /** Adds a file; its name must hold neither quotes nor control characters. */
    Multipart addFile(String name, String fileName, byte[] content) {
        begin("form-data; name=\"" + name + "\"; filename=\"" + fileName + "\"", "image/tiff");
        return write(content).write("\r\n");
    }

    private void begin(String disposition, String type) {
        write("--" + boundary + "\r\nContent-Disposition: " + disposition + "\r\nContent-Type: " + type + "\r\n\r\n");
    }

    private Multipart write(String text) {
        return write(text.getBytes(StandardCharsets.UTF_8));
    }

    private Multipart write(byte[] content) {
        bytes.write(content, 0, content.length);
        return this;
    }

    /** Returns the body with its closing line; nothing can be added afterwards. */
    byte[] close() {
        write("--" + boundary + "--\r\n");
        return bytes.toByteArray();
    }

    /** Returns the value of the Content-Type header. */
    String getContentType() {
        return "multipart/form-data; boundary=" + boundary;
    }
}
