package org.deepflash.client;

import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;

/**
 * Ends an upload that nobody reads. Java limits how long a read may take, but not a write: to a service that is frozen
 * it would wait for ever once the buffers of the system are full.
 */
final class UploadGuard implements AutoCloseable {

    private static final int PIECE = 65_536;
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long PAUSE_MS = 100;

    private final HttpURLConnection connection;
    private final long limit;
    private final Thread thread = new Thread(this::watch, "DeepFLaSH upload guard");
    private volatile long moved = System.nanoTime();
    private volatile boolean isStuck;

    /** @param seconds without a byte taken after which the connection is cut */
    UploadGuard(HttpURLConnection connection, int seconds) {
        this.connection = connection;
        this.limit = seconds * SECOND_NS;
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Writes and flushes all bytes.
     *
     * @throws SocketTimeoutException if nobody took any for too long
     * @throws IOException if the connection was cut
     */
    void write(OutputStream stream, byte[] bytes) throws IOException {
        try {
            for (int start = 0; start < bytes.length; start += PIECE) {
                stream.write(bytes, start, Math.min(PIECE, bytes.length - start));
                moved = System.nanoTime();
            }
            stream.flush();
        } catch (IOException error) {
            throw isStuck ? new SocketTimeoutException("nobody reads") : error;
        }
    }

    private void watch() {
        try {
            while (System.nanoTime() - moved < limit) {
                Thread.sleep(PAUSE_MS);
            }
            isStuck = true;
            connection.disconnect();
        } catch (InterruptedException error) {
            // The upload has ended.
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
