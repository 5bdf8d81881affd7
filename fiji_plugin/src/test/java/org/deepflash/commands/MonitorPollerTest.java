package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Predicate;
import javax.imageio.ImageIO;
import org.deepflash.client.Connection;
import org.deepflash.client.HttpServiceClient;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.StubService;
import org.deepflash.records.Job;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class MonitorPollerTest {

    private static final String EVENTS = "GET /api/v1/jobs/j1/events?after=";
    private static final String PREVIEW = "GET /api/v1/jobs/j1/results/preview.png";

    private final BlockingQueue<MonitorView> views = new LinkedBlockingQueue<>();
    private StubService service;
    private MonitorPoller poller;

    @BeforeEach
    void start() throws IOException {
        service = new StubService();
        service.on("GET /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"kind\":\"training\",\"state\":\"running\"}");
        tell(0, 5);
        poller = new MonitorPoller(new Connection(connect(), this::connect),
            new Job.Builder("j1").kind("training").build(), views::add);
    }

    @AfterEach
    void stop() {
        poller.close();
        service.close();
    }

    private ServiceClient connect() {
        ServiceClient client = new HttpServiceClient(new ServiceAddress(service.url(), "t"), 5);
        client.checkService();
        return client;
    }

    private void tell(int after, int epoch) {
        service.on(EVENTS + after, 200, "{\"events\":[{\"seq\":" + (after + 1) + ",\"state\":\"running\",\"message\":\"\","
            + "\"current\":" + epoch + ",\"maximum\":9,\"metrics\":{\"loss\":1,\"preview_epoch\":" + epoch
            + "}}],\"next\":" + (after + 1) + ",\"state\":\"running\"}");
        service.on(EVENTS + (after + 1), 200, "{\"events\":[],\"next\":" + (after + 1) + ",\"state\":\"running\"}");
    }

    private void sendPreview(int width) throws IOException {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(width, 8, BufferedImage.TYPE_INT_RGB), "png", png);
        service.on(PREVIEW, exchange -> {
            exchange.sendResponseHeaders(200, png.size());
            exchange.getResponseBody().write(png.toByteArray());
            exchange.close();
        });
    }

    private MonitorView await(Predicate<MonitorView> fits) throws InterruptedException {
        MonitorView view = views.take();
        while (!fits.test(view)) {
            poller.wake();
            view = views.take();
        }
        return view;
    }

    private long countPreviews() {
        return service.requests().stream().filter(line -> line.startsWith(PREVIEW)).count();
    }

    @Test
    void previewThatDidNotComeIsFetchedAgainAndKeepsItsOwnEpochMeanwhile() throws Exception {
        sendPreview(16);
        poller.start();
        assertEquals(5, await(view -> view.getPreview() != null).getPreviewEpoch());
        service.on(PREVIEW, 503, "{\"code\":\"internal_error\",\"detail\":\"Busy.\"}");
        tell(1, 6);
        MonitorView old = await(view -> view.getHistory().getMetric("preview_epoch") == 6);
        assertEquals(5, old.getPreviewEpoch());
        assertEquals(16, old.getPreview().getWidth());
        sendPreview(24);
        assertEquals(24, await(view -> view.getPreviewEpoch() == 6).getPreview().getWidth());
    }

    @Test
    void previewThatTheServiceDoesNotHaveIsAskedForOnce() throws Exception {
        service.on(PREVIEW, 404, "{\"code\":\"unknown_file\",\"detail\":\"There is no preview.\"}");
        poller.start();
        await(view -> countPreviews() > 0);
        for (int i = 0; i < 3; i++) {
            poller.wake();
            assertNull(views.take().getPreview());
        }
        assertEquals(1, countPreviews());
    }

    @Test
    void aTrainingThatEndedEarlySaysSoInTheFirstLine() throws Exception {
        poller.start();
        assertEquals("Epoch 5 of 9", await(view -> !view.getHistory().getPoints().isEmpty()).describeEpochs());
        service.on("GET /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"kind\":\"training\",\"state\":\"done\"}");
        service.on(EVENTS + 1, 200, "{\"events\":[],\"next\":1,\"state\":\"done\"}");
        assertEquals("Epoch 5 of 9, stopped early", await(view -> view.getJob().isFinished()).describeEpochs());
    }

    @Test
    void refusalIsSaidInTheWindowAndEndsTheLooking() throws Exception {
        poller.start();
        assertFalse(views.take().isRefused());
        service.on(EVENTS + 1, 404, "{\"code\":\"unknown_job\",\"detail\":\"There is no job j1.\"}");
        MonitorView last = await(MonitorView::isInTrouble);
        assertTrue(last.isRefused());
        assertEquals("There is no job j1. This window looks no more; open DFL Training Monitor to look again.",
            last.describeSituation());
    }
}
