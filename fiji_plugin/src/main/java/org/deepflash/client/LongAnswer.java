package org.deepflash.client;

import java.net.HttpURLConnection;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.deepflash.records.Progress;

/**
 * Waits for an answer that is work, such as reading and comparing all annotations of a data set: as long as the service
 * shows that it lives and is the same process, for an hour at most, until the user cancels. Meanwhile a listener hears
 * for how long.
 */
final class LongAnswer {

    /** How the thread is called that waits for the answer. */
    static final String THREAD = "DeepFLaSH long answer";

    private static final String LIVE = HttpServiceClient.API + "/live";
    private static final String INFO = HttpServiceClient.API + "/info";
    private static final byte[] NOTHING = new byte[0];
    private static final int PAUSE_MS = 100;
    private static final int PAUSES_PER_LOOK = 10;
    private static final int LOOK_S = 2;
    private static final int LOOKS_PER_CHECK = 10;
    private static final int LONGEST_S = 3600;
    private static final int MARGIN_S = 60;
    private static final long SECOND_NS = 1_000_000_000L;

    private final HttpTransport transport;
    private final int silence;
    private final ProgressListener listener;
    private final int longest;
    private final int looksPerCheck;
    private final long start = System.nanoTime();
    private long heard = start;
    private long process;
    private int looks;

    /**
     * @param silence seconds without a sign of life of the service after which the wait is given up
     * @param listener is told the seconds, and asked whether to go on
     */
    LongAnswer(HttpTransport transport, int silence, ProgressListener listener) {
        this(transport, silence, listener, LONGEST_S, LOOKS_PER_CHECK);
    }

    /**
     * @param longest seconds after which even a service that lives is given up: the connection may be lost unnoticed
     * @param looksPerCheck how many looks at the service pass from one question for its process to the next
     */
    LongAnswer(HttpTransport transport, int silence, ProgressListener listener, int longest, int looksPerCheck) {
        this.transport = transport;
        this.silence = silence;
        this.listener = listener;
        this.longest = longest;
        this.looksPerCheck = looksPerCheck;
    }

    /**
     * Returns the answer.
     *
     * @throws ServiceException as every request does, also if the user cancels
     */
    byte[] get(String path) {
        HttpURLConnection connection = transport.open("GET", path, longest + MARGIN_S);
        FutureTask<byte[]> answer = new FutureTask<>(() -> transport.send(connection, "", NOTHING));
        Thread thread = startDaemon(answer, THREAD);
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
            if (!answer.isDone()) {
                startDaemon(() -> end(thread, connection), THREAD + " end");
            }
        }
    }

    private static Thread startDaemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Once is not enough: what is not connected yet cannot be disconnected, and Java connects again by itself. */
    private static void end(Thread thread, HttpURLConnection connection) {
        try {
            while (thread.isAlive()) {
                connection.disconnect();
                thread.join(PAUSE_MS);
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void tell() {
        listener.show(new Progress((System.nanoTime() - start) / SECOND_NS + " s", 0, 0));
    }

    /** Looks whether the service lives; how the work itself ends, its own connection tells, unless it is lost. */
    private void look() {
        try {
            ask(LIVE);
            heard = System.nanoTime();
        } catch (ServiceException error) {
            if (System.nanoTime() - heard >= silence * SECOND_NS) {
                throw Sentences.silence(silence, "");
            }
        }
        if (looks++ % looksPerCheck == 0) {
            checkProcess();
        }
        if (System.nanoTime() - start >= longest * SECOND_NS) {
            throw Sentences.endless(longest);
        }
    }

    private byte[] ask(String path) {
        return transport.send(transport.open("GET", path, Math.min(LOOK_S, silence)), "", NOTHING);
    }

    /** A service that was started anew knows nothing of the question, which a proxy may hide. */
    private void checkProcess() {
        long current;
        try {
            current = (long) Json.number(Json.readObject(ask(INFO)), "pid", 0);
        } catch (ServiceException error) {
            if (error.getCode().equals(ServiceException.TOKEN)) {
                throw error;
            }
            return;
        }
        if (process != 0 && current != process) {
            throw Sentences.restarted();
        }
        process = current;
    }

    private static RuntimeException asFailure(ExecutionException error) {
        return error.getCause() instanceof ServiceException ? (ServiceException) error.getCause()
            : Sentences.fault(String.valueOf(error.getCause()));
    }
}
