package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;
import org.deepflash.records.PluginVersion;
import org.deepflash.records.Progress;
import org.deepflash.records.SegmentSettings;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HttpServiceClientTest {

    private StubService service;
    private HttpServiceClient client;

    @BeforeEach
    void start() throws IOException {
        service = new StubService();
        client = new HttpServiceClient(new ServiceAddress(service.url(), "secret"), 1);
    }

    @AfterEach
    void stop() {
        service.close();
    }

    private static ServiceException fails(Runnable work) {
        return assertThrows(ServiceException.class, work::run);
    }

    @Test
    void handshakeSendsTheTokenAndReadsTheVersion() {
        assertEquals("0.1.0", client.checkService().getVersion());
        assertEquals("GET /api/v1/info Bearer secret", service.requests().get(0));
    }

    @Test
    void nobodyThereGivesTheSentenceOfTheSpecification() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        String url = "http://127.0.0.1:" + port;
        ServiceException error = fails(() -> new HttpServiceClient(new ServiceAddress(url, ""), 1).checkService());
        assertEquals("No DeepFLaSH service answers at " + url
            + ". Start it with DFL Set Up... or `deepflash serve`, then try again.", error.getMessage());
        assertEquals(ServiceException.DOWN, error.getCode());
    }

    @Test
    void anotherProgramAtThePortCountsAsDown() {
        service.on("GET /api/v1/info", 200, "<html>hello</html>");
        assertEquals(ServiceException.DOWN, fails(client::checkService).getCode());
    }

    @Test
    void wrongTokenNamesTheRemedy() {
        service.on("GET /api/v1/info", 401, "{\"code\":\"unauthorized\",\"detail\":\"no\"}");
        assertEquals("The DeepFLaSH service at " + service.url()
            + " refused the token. Run DFL Set Up... and leave Token empty to read the current one.",
            fails(client::checkService).getMessage());
    }

    @Test
    void newerInterfaceAsksToUpdateThePlugin() {
        service.on("GET /api/v1/info", 200, "{\"service\":\"deepflash\",\"version\":\"9.0\",\"api\":2}");
        assertEquals("Plugin " + PluginVersion.get() + " and service 9.0 do not fit together. Update DeepFLaSH_Fiji-"
            + PluginVersion.get() + ".jar.", fails(client::checkService).getMessage());
    }

    @Test
    void silenceEndsAtTheLimit() {
        service.on("GET /api/v1/info", exchange -> {
            try {
                Thread.sleep(10_000);
            } catch (InterruptedException error) {
                exchange.close();
            }
        });
        long start = System.nanoTime();
        ServiceException error = fails(client::checkService);
        assertEquals("The service stopped answering after 1 s. See DFL Jobs...", error.getMessage());
        assertTrue(System.nanoTime() - start < 5_000_000_000L);
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void uploadThatNobodyReadsEndsAtTheLimit() throws IOException {
        // Accepts connections, as the system does for a frozen service, and never reads.
        try (ServerSocket frozen = new ServerSocket(0)) {
            String url = "http://127.0.0.1:" + frozen.getLocalPort();
            SegmentSettings settings = SegmentSettings.fromOptions(OptionText.parse("model=m"));
            HttpServiceClient other = new HttpServiceClient(new ServiceAddress(url, ""), 1);
            long start = System.nanoTime();
            ServiceException error = fails(() -> other.submitSegmentation(settings, "big", new byte[64_000_000]));
            assertEquals("The service stopped answering after 1 s. See DFL Jobs...", error.getMessage());
            assertTrue(System.nanoTime() - start < 15_000_000_000L);
        }
    }

    @Test
    void droppedConnectionAndServerFaultsAreFaults() {
        service.on("GET /api/v1/info", exchange -> exchange.close());
        assertTrue(fails(client::checkService).getMessage().startsWith("The service failed: the connection to "));
        service.on("GET /api/v1/info", 500, "{\"code\":\"internal_error\",\"detail\":\"Out of ideas.\"}");
        assertEquals("The service failed: Out of ideas. See DFL Report a Problem.",
            fails(client::checkService).getMessage());
    }

    @Test
    void refusalsKeepCodeAndSentenceOfTheService() {
        service.on("GET /api/v1/models", 409, "{\"code\":\"conflict\",\"detail\":\"Wait a moment.\"}");
        ServiceException error = fails(client::listModels);
        assertEquals("conflict", error.getCode());
        assertEquals("Wait a moment.", error.getMessage());
    }

    @Test
    void modelsAreSortedAndComplete() {
        service.on("GET /api/v1/models", 200, "{\"models\":[{\"name\":\"b\"},{\"name\":\"A\",\"version\":3,"
            + "\"target\":\"cFOS\",\"threshold\":0.7,\"min_roi_size\":20,\"network\":{\"channels\":2}}]}");
        List<ModelInfo> models = client.listModels();
        ModelInfo first = models.get(0);
        assertEquals("A 3 cFOS 0.7 20 2", first.getName() + " " + first.getVersion() + " " + first.getTarget() + " "
            + first.getThreshold() + " " + first.getMinRoiSize() + " " + first.getChannels());
        assertEquals("b", models.get(1).getName());
    }

    @Test
    void segmentationTravelsAsMultipart() {
        service.on("POST /api/v1/segmentations", 202, "{\"id\":\"j1\",\"state\":\"queued\"}");
        SegmentSettings settings = SegmentSettings.fromOptions(OptionText.parse("model=m threshold=0.25"));
        byte[] tiff = {73, 73, 42, 0, -1};
        assertEquals("j1", client.submitSegmentation(settings, "my \"odd\"/name.tif", tiff).getId());
        String body = service.lastBody();
        assertTrue(body.contains("{\"model\":\"m\",\"threshold\":0.25}"), body);
        assertTrue(body.contains("name=\"image\"; filename=\"my_odd_name.tif\""), body);
        assertTrue(body.contains(new String(tiff, StandardCharsets.ISO_8859_1)));
    }

    @Test
    void resultsArriveAsBytes() {
        service.on("GET /api/v1/jobs/j1/results/RoiSet.zip", 200, "PK");
        assertArrayEquals(new byte[] {'P', 'K'}, client.getResult("j1", "RoiSet.zip"));
    }

    @Test
    void warningsOfASegmentationAreRead() {
        service.on("GET /api/v1/jobs/j1/results/segmentation.json", 200, "{\"warnings\":[\"far\",\"dim\"]}");
        Job.Builder job = new Job.Builder("j1");
        assertEquals(Collections.emptyList(), JobWarnings.read(client, job.build()));
        job.results(Collections.singletonList("segmentation.json"));
        assertEquals(Arrays.asList("far", "dim"), JobWarnings.read(client, job.build()));
    }

    private static final class Listener implements ProgressListener {

        private final StringBuilder seen = new StringBuilder();
        private boolean isCancelled;

        @Override
        public void show(Progress progress) {
            seen.append(progress.getMessage()).append(progress.getFraction()).append(' ');
        }

        @Override
        public boolean isCancelled() {
            return isCancelled;
        }
    }

    private Job await(Listener listener) {
        return new JobWatcher(new Connection(client, () -> client), listener, 1).await(client.getJob("j1"));
    }

    @Test
    void waitingPassesProgressOn() {
        AtomicInteger calls = new AtomicInteger();
        service.on("GET /api/v1/jobs/j1", exchange -> StubService.send(exchange, 200, calls.getAndIncrement() < 2
            ? "{\"id\":\"j1\",\"state\":\"running\",\"message\":\"tile \",\"current\":1,\"maximum\":4}"
            : "{\"id\":\"j1\",\"state\":\"done\",\"model\":\"m@1\"}"));
        Listener listener = new Listener();
        assertEquals("m@1", await(listener).getModel());
        assertEquals("tile 0.25 ", listener.seen.toString());
    }

    @Test
    void escapeCancelsTheJob() {
        service.on("GET /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"state\":\"running\"}");
        service.on("DELETE /api/v1/jobs/j1", 202, "{\"id\":\"j1\",\"state\":\"stopping\"}");
        Listener listener = new Listener();
        listener.isCancelled = true;
        assertEquals(ServiceException.CANCELLED, fails(() -> await(listener)).getCode());
        assertTrue(service.requests().contains("DELETE /api/v1/jobs/j1 Bearer secret"));
    }

    @Test
    void jobWithoutProgressIsGivenUpByItsName() {
        service.on("GET /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"state\":\"running\",\"current\":1,\"maximum\":9}");
        assertEquals("The service stopped answering after 1 s. Job j1 goes on; see DFL Jobs...",
            fails(() -> await(new Listener())).getMessage());
    }

    @Test
    void jobOfAServiceThatOnlyFailsTellsTheFault() {
        Job job = new Job.Builder("j1").kind("segmentation").build();
        service.on("GET /api/v1/jobs/j1", 500, "{\"code\":\"internal_error\",\"detail\":\"Out of ideas.\"}");
        JobWatcher watcher = new JobWatcher(new Connection(client, () -> client), new Listener(), 1);
        assertEquals("The service failed: Out of ideas. See DFL Report a Problem.",
            fails(() -> watcher.await(job)).getMessage());
    }

    @Test
    void failedJobsTellTheirReason() {
        service.on("GET /api/v1/jobs/j1", 200,
            "{\"id\":\"j1\",\"state\":\"failed\",\"error\":{\"code\":\"invalid_image\",\"message\":\"Too dark.\"}}");
        assertEquals("Too dark.", fails(() -> await(new Listener())).getMessage());
        service.on("GET /api/v1/jobs/j1", 200,
            "{\"id\":\"j1\",\"state\":\"failed\",\"error\":{\"code\":\"internal_error\",\"message\":\"Oops.\"}}");
        assertEquals("The service failed: Oops. See DFL Report a Problem.",
            fails(() -> await(new Listener())).getMessage());
    }

    @Test
    void fileNamesAreHarmless() {
        assertEquals("image.tif", HttpServiceClient.toFileName("../.."));
        assertEquals("a_b.tif", HttpServiceClient.toFileName("a:b.PNG"));
        assertFalse(HttpServiceClient.toFileName(String.join("", Collections.nCopies(300, "ä"))).getBytes(
            StandardCharsets.UTF_8).length > 120);
    }
}
