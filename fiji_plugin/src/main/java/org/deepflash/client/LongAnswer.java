package org.deepflash.client;

import java.net.HttpURLConnection;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.deepflash.records.Progress;

/**
 * Waits for an answer that is work, such as reading and comparing all annotations of a data set: as long as the service
 * shows that it lives, until the user cancels. Meanwhile a listener hears for how long.
 */
final class LongAnswer {

    private static final String LIVE = HttpServiceClient.API + "/live";
    private static final int PAUSE_MS = 100;
    private static final int PAUSES_PER_LOOK = 10;
    private static final int LOOK_S = 2;
    private static final long SECOND_NS = 1_000_000_000L;

    private final HttpTransport transport;
    private final int silence;
    private final ProgressListener listener;
    private final long start = System.nanoTime();
    private long heard = start;

    /**
     * @param silence seconds without a sign of life of the service after which the wait is given up
     * @param listener is told the seconds, and asked whether to go on
     */
    LongAnswer(HttpTransport transport, int silence, ProgressListener listener) {
        this.transport = transport;
        this.silence = silence;
        this.listener = listener;
    }

    /**
     * Returns the answer.
     *
     * @throws ServiceException as every request does, also if the user cancels
     */
    byte[] get(String path) {
        HttpURLConnection connection = transport.open("GET", path, 0);
        FutureTask<byte[]> answer = new FutureTask<>(() -> transport.send(connection, "", new byte[0]));
        Thread thread = new Thread(answer, "DeepFLaSH long answer");
        thread.setDaemon(true);
        thread.start();
        try {
            while (true) {
                for (int i = 0; i < PAUSES_PER_LOOK; i++) {
                    if (listener.isCancelled()) {
                        throw Sentences.cancelled();
                    }
                    try {
                        return answer.get(PAUSE_MS, TimeUnit.MILLISECONDS);
                    } catch (TimeoutException stillWorking) {
                        tell();
                    }
                }
                look();
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw Sentences.cancelled();
        } catch (ExecutionException error) {
            throw asFailure(error);
        } finally {
            connection.disconnect();
        }
    }

    private void tell() {
        listener.show(new Progress((System.nanoTime() - start) / SECOND_NS + " s", 0, 0));
    }

    /** Looks whether the service lives; how the work itself ends, its own connection tells. */
    private void look() {
        try {
            transport.send(transport.open("GET", LIVE, Math.min(LOOK_S, silence)), "", new byte[0]);
            heard = System.nanoTime();
        } catch (ServiceException error) {
            if (System.nanoTime() - heard >= silence * SECOND_NS) {
                throw Sentences.silence(silence, "");
            }
        }
    }

    private static RuntimeException asFailure(ExecutionException error) {
        return error.getCause() instanceof ServiceException ? (ServiceException) error.getCause()
            : Sentences.fault(String.valueOf(error.getCause()));
    }
}
