package org.deepflash.commands;

import java.awt.GraphicsEnvironment;
import org.deepflash.client.Connection;
import org.deepflash.client.JobEnding;
import org.deepflash.client.ServiceException;

/**
 * Cancels a job while a macro waits for it, should the whole program be ended: a script that was killed has nobody who
 * would come back for the result. Only without a display: where there is one, a person closes Fiji, in batch mode too,
 * and the training goes on.
 */
final class ExitCancel implements AutoCloseable {

    private static final long LIMIT_MS = 5000;

    private final Connection connection;
    private final String job;
    private final Thread hook = new Thread(this::cancelInTime, "DeepFLaSH exit");
    private final boolean isArmed = GraphicsEnvironment.isHeadless();

    ExitCancel(Connection connection, String job) {
        this.connection = connection;
        this.job = job;
        if (isArmed) {
            Runtime.getRuntime().addShutdownHook(hook);
        }
    }

    /** A service that does not answer must not keep the program from ending. */
    private void cancelInTime() {
        Thread thread = new Thread(this::cancel, "DeepFLaSH exit request");
        thread.setDaemon(true);
        thread.start();
        try {
            thread.join(LIMIT_MS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void cancel() {
        String end;
        try {
            ServiceException answer = JobEnding.cancel(connection, job);
            boolean isCancelled = answer.getCode().equals(ServiceException.CANCELLED);
            end = isCancelled ? "Job " + job + " was cancelled, as the program that waited for it was ended."
                : answer.getMessage();
        } catch (ServiceException error) {
            end = error.getMessage();
        }
        System.err.println("DeepFLaSH: " + end);
    }

    @Override
    public void close() {
        if (!isArmed) {
            return;
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException error) {
            // The program ends already, and the hook runs.
        }
    }
}
