package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.records.Progress;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LongAnswerTest {

    private static final String PAIRS = "GET /api/v1/datasets/d1/pairs?verdicts=true";
    private static final String ANSWER = "{\"verdicts\":[{\"image\":\"a.tif\",\"expert\":\"x\",\"verdict\":\"fits\"}],"
        + "\"pairwise\":[{\"a\":\"x\",\"b\":\"y\",\"f1\":0.5}]}";

    private final CountDownLatch end = new CountDownLatch(1);
    private final List<String> shown = new ArrayList<>();
    private volatile boolean isCancelled;
    private StubService service;

    @BeforeEach
    void start() throws IOException {
        service = new StubService();
    }

    @AfterEach
    void stop() {
        end.countDown();
        service.close();
    }

    private PairReport judge() {
        return judge(1);
    }

    private PairReport judge(int silence) {
        return new HttpServiceClient(address(), silence).datasets().judgePairs("d1", listener());
    }

    private ServiceAddress address() {
        return new ServiceAddress(service.url(), "t");
    }

    private String fail(int longest) {
        LongAnswer answer = new LongAnswer(new HttpTransport(address(), 1), 1, listener(), longest, 1);
        return assertThrows(ServiceException.class, () -> answer.get("/api/v1/datasets/d1/pairs?verdicts=true"))
            .getMessage();
    }

    private ProgressListener listener() {
        return new ProgressListener() {
            @Override
            public void show(Progress progress) {
                shown.add(progress.getMessage());
            }

            @Override
            public boolean isCancelled() {
                return isCancelled;
            }
        };
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException error) {
            throw new IOException(error);
        }
    }

    private void answerAfter(CountDownLatch latch) {
        service.on(PAIRS, exchange -> {
            await(latch);
            StubService.send(exchange, 200, ANSWER);
        });
    }

    private static Stream<Thread> findWaits() {
        return Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals(LongAnswer.THREAD));
    }

    private static void assertThatAllEnd(List<Thread> waits) throws InterruptedException {
        for (Thread wait : waits) {
            wait.join(10_000);
            assertFalse(wait.isAlive(), "the connection is still open");
        }
    }

    private long countLooks() {
        return service.requests().stream().filter(request -> request.startsWith("GET /api/v1/live")).count();
    }

    @Test
    void workOfAServiceThatLivesMayTakeLongerThanTheLimit() {
        CountDownLatch looks = new CountDownLatch(2);
        answerAfter(looks);
        service.on("GET /api/v1/live", exchange -> {
            StubService.send(exchange, 200, "{}");
            looks.countDown();
        });
        PairReport report = judge();
        assertEquals("fits", report.getVerdicts().get(0).getWord());
        assertEquals(0.5, report.getAgreement().get(0).get("f1"));
        assertEquals(1, service.requests().stream().filter(request -> request.startsWith(PAIRS)).count());
        assertTrue(shown.contains("0 s") && shown.contains("1 s"), shown.toString());
    }

    @Test
    void theLimitCountsFromTheLatestSignOfLife() {
        CountDownLatch failed = new CountDownLatch(1);
        answerAfter(failed);
        service.on("GET /api/v1/live", exchange -> {
            boolean isLate = countLooks() > 2;
            StubService.send(exchange, isLate ? 503 : 200, "{}");
            if (isLate) {
                failed.countDown();
            }
        });
        assertEquals("fits", judge(3).getVerdicts().get(0).getWord());
        assertEquals(3, countLooks());
    }

    @Test
    void aServiceWithoutASignOfLifeIsGivenUp() {
        service.on(PAIRS, exchange -> await(end));
        service.on("GET /api/v1/live", exchange -> await(end));
        assertEquals("The service stopped answering after 1 s. See DFL Jobs...",
            assertThrows(ServiceException.class, this::judge).getMessage());
        assertTrue(countLooks() > 0);
    }

    @Test
    void aServiceThatLivesIsNotAwaitedForEver() throws InterruptedException {
        List<Thread> waits = new ArrayList<>();
        service.on(PAIRS, exchange -> await(end));
        service.on("GET /api/v1/live", exchange -> {
            findWaits().forEach(waits::add);
            StubService.send(exchange, 200, "{}");
        });
        assertEquals("The service lives, but gave no answer within 2 s. Try again, with fewer images at once if that was"
            + " too much work.", fail(2));
        assertFalse(waits.isEmpty());
        assertThatAllEnd(waits);
    }

    @Test
    void theAnswerOfAServiceThatWasStartedAnewIsLost() {
        CountDownLatch questions = new CountDownLatch(3);
        service.on(PAIRS, exchange -> await(end));
        service.on("GET /api/v1/live", 200, "{}");
        service.on("GET /api/v1/info", exchange -> {
            questions.countDown();
            StubService.send(exchange, 200, "{\"pid\":" + (questions.getCount() > 0 ? 4711 : 4712) + "}");
        });
        assertEquals("The service was started anew while it worked at the answer, which is lost. Try again.", fail(60));
        assertEquals(0, questions.getCount());
    }

    @Test
    void aServiceThatRefusesTheTokenMeanwhileWasStartedAnewToo() {
        service.on(PAIRS, exchange -> await(end));
        service.on("GET /api/v1/live", 200, "{}");
        service.on("GET /api/v1/info", 401, "{}");
        assertEquals("The DeepFLaSH service at " + service.url() + " refused the token. Run DFL Set Up... and leave Token"
            + " empty to read the current one.", fail(60));
    }

    @Test
    void aServiceTooBusyToTellItsProcessIsAwaited() {
        CountDownLatch questions = new CountDownLatch(2);
        answerAfter(questions);
        service.on("GET /api/v1/live", 200, "{}");
        service.on("GET /api/v1/info", exchange -> {
            questions.countDown();
            StubService.send(exchange, 503, "{}");
        });
        byte[] answer = new LongAnswer(new HttpTransport(address(), 1), 1, listener(), 60, 1)
            .get("/api/v1/datasets/d1/pairs?verdicts=true");
        assertEquals(ANSWER, new String(answer, StandardCharsets.UTF_8));
    }

    @Test
    void escapeEndsTheWait() throws InterruptedException {
        List<Thread> waits = new ArrayList<>();
        service.on(PAIRS, exchange -> await(end));
        service.on("GET /api/v1/live", exchange -> {
            findWaits().forEach(waits::add);
            isCancelled = true;
            StubService.send(exchange, 200, "{}");
        });
        assertEquals(ServiceException.CANCELLED, assertThrows(ServiceException.class, this::judge).getCode());
        assertTrue(waits.get(0).isDaemon());
        assertThatAllEnd(waits);
    }

    @Test
    void escapeBeforeTheConnectionStandsEndsTheWaitToo() throws InterruptedException {
        service.on(PAIRS, exchange -> await(end));
        isCancelled = true;
        for (int i = 0; i < 20; i++) {
            assertEquals(ServiceException.CANCELLED, assertThrows(ServiceException.class, this::judge).getCode());
        }
        assertThatAllEnd(findWaits().collect(Collectors.toList()));
    }

    @Test
    void aFaultOfTheServiceKeepsItsSentence() {
        service.on(PAIRS, 500, "{\"code\":\"internal_error\",\"detail\":\"Out of ideas.\"}");
        assertEquals("The service failed: Out of ideas. See DFL Report a Problem.",
            assertThrows(ServiceException.class, this::judge).getMessage());
        service.on(PAIRS, 404, "{\"code\":\"unknown_dataset\",\"detail\":\"There is no data set d1.\"}");
        assertEquals("There is no data set d1.", assertThrows(ServiceException.class, this::judge).getMessage());
    }
}
