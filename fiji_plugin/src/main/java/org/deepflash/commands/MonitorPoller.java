package org.deepflash.commands;

import ij.IJ;
import java.awt.EventQueue;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.function.Consumer;
import javax.imageio.ImageIO;
import org.deepflash.client.Connection;
import org.deepflash.client.JobFollower;
import org.deepflash.client.ServiceException;
import org.deepflash.records.Job;

/** Looks at a training once a second, off the event thread, until the window is closed or the service refuses. */
final class MonitorPoller implements Runnable {

    private static final long PAUSE_MS = 1000;
    private static final long IDLE_MS = 3000;
    private static final String PREVIEW = "preview.png";

    private final Connection connection;
    private final JobFollower follower;
    private final Consumer<MonitorView> show;
    private volatile boolean isClosed;
    private String device = "";
    private BufferedImage preview;
    private int previewEpoch;
    private double askedEpoch = -1;
    private double toldLeft = -1;
    private long toldAt = System.nanoTime();

    /** @param show called on the event thread */
    MonitorPoller(Connection connection, Job job, Consumer<MonitorView> show) {
        this.connection = connection;
        this.follower = new JobFollower(connection, job);
        this.show = show;
    }

    void start() {
        Thread thread = new Thread(this, "deepflash-monitor");
        thread.setDaemon(true);
        thread.start();
    }

    void close() {
        isClosed = true;
        wake();
    }

    /** Looks at once, as after a button. */
    synchronized void wake() {
        notifyAll();
    }

    @Override
    public void run() {
        while (!isClosed) {
            try {
                look();
            } catch (RuntimeException error) {
                String sentence = Failures.toSentence(error);
                IJ.log("DeepFLaSH: " + sentence + " The monitor ends.");
                show(sentence);
                return;
            }
            pause();
        }
    }

    private void look() {
        boolean isNew = follower.look();
        if (follower.getTrouble() == null) {
            fetchFacts();
        }
        MonitorView view = show("");
        if (isNew && !isClosed) {
            IJ.showStatus("DeepFLaSH: " + view.describeEpochs());
            IJ.showProgress(view.getJob().isFinished() ? 1.0 : view.getJob().getProgress().getFraction());
        }
    }

    private MonitorView show(String refusal) {
        double left = follower.getHistory().getMetric("seconds_left");
        if (left != toldLeft) {
            toldLeft = left;
            toldAt = System.nanoTime();
        }
        MonitorView view = new MonitorView(follower, device, (System.nanoTime() - toldAt) / 1e9, refusal)
            .with(preview, previewEpoch);
        EventQueue.invokeLater(() -> show.accept(view));
        return view;
    }

    private void fetchFacts() {
        try {
            if (device.isEmpty()) {
                device = connection.client().checkService().getFacts().getOrDefault("Device", "");
            }
            double told = follower.getHistory().getMetric("preview_epoch");
            boolean isDue = Double.isNaN(told) ? askedEpoch < 0 && follower.getJob().isFinished()
                : told != askedEpoch;
            if (isDue) {
                fetchPreview(Double.isNaN(told) ? 0 : told);
            }
        } catch (ServiceException | IOException error) {
            // Without these facts the window is poorer, not wrong; the next look tells whether the service is there.
            return;
        }
    }

    private void fetchPreview(double epoch) throws IOException {
        try {
            byte[] png = connection.client().getResult(follower.getJob().getId(), PREVIEW);
            preview = ImageIO.read(new ByteArrayInputStream(png));
            previewEpoch = (int) epoch;
        } catch (ServiceException error) {
            if (connection.lose(error)) {
                throw error;
            }
        }
        // Only now: what a service that is away did not send is asked for again, what it refused is not.
        askedEpoch = epoch;
    }

    private synchronized void pause() {
        try {
            if (!isClosed) {
                wait(follower.isOver() ? IDLE_MS : PAUSE_MS);
            }
        } catch (InterruptedException error) {
            isClosed = true;
        }
    }
}
