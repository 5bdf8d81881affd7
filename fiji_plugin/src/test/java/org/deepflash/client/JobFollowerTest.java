package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.deepflash.records.Job;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class JobFollowerTest {

    private StubService service;
    private StubService next;
    private Connection connection;
    private JobFollower follower;

    @BeforeEach
    void start() throws IOException {
        service = new StubService();
        next = service;
        connection = new Connection(connect(), this::connect);
        follower = new JobFollower(connection, new Job.Builder("j1").kind("training").build());
        tell(0, "running", epoch(1, 0.5), epoch(2, 0.4));
    }

    @AfterEach
    void stop() {
        service.close();
        next.close();
    }

    private ServiceClient connect() {
        ServiceClient client = new HttpServiceClient(new ServiceAddress(next.url(), "t"), 1);
        client.checkService();
        return client;
    }

    private static String epoch(int number, double loss) {
        return "{\"seq\":" + number + ",\"state\":\"running\",\"message\":\"epoch " + number + "\",\"current\":" + number
            + ",\"maximum\":9,\"metrics\":{\"loss\":" + loss + "}}";
    }

    private void tell(int after, String state, String... events) {
        next.on("GET /api/v1/jobs/j1/events?after=" + after, 200, "{\"events\":[" + String.join(",", events)
            + "],\"next\":" + (after + events.length) + ",\"state\":\"" + state + "\"}");
        next.on("GET /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"kind\":\"training\",\"state\":\"" + state
            + "\",\"model\":\"m@1\"}");
    }

    @Test
    void readsOnByCursorAndAsksForTheJobOnlyWhenItsStateChanges() {
        assertTrue(follower.look());
        tell(2, "running");
        assertFalse(follower.look());
        tell(2, "running", epoch(3, 0.3));
        assertTrue(follower.look());
        assertEquals(3, follower.getHistory().getPoints().size());
        assertEquals("epoch 3", follower.getJob().getProgress().getMessage());
        assertEquals(1, service.requests().stream().filter(line -> line.startsWith("GET /api/v1/jobs/j1 ")).count());
    }

    @Test
    void restartOnAnotherPortLosesNothing() throws IOException {
        follower.look();
        service.close();
        assertTrue(follower.look());
        follower.look();
        assertEquals(ServiceException.DOWN, follower.getTrouble().getCode());
        assertFalse(follower.isOver());
        next = new StubService();
        tell(2, "done", epoch(3, 0.3));
        assertTrue(follower.look());
        assertNull(follower.getTrouble());
        assertTrue(follower.isOver());
        assertEquals("m@1", follower.getJob().getModel());
        assertEquals(3, follower.getHistory().getPoints().size());
    }

    @Test
    void faultsDropsAndSilenceAreTroubleThatPasses() {
        next.on("GET /api/v1/jobs/j1/events?after=0", 500, "{\"code\":\"internal_error\",\"detail\":\"Out of ideas.\"}");
        follower.look();
        assertEquals("The service failed: Out of ideas. See DFL Report a Problem.", follower.getTrouble().getMessage());
        next.on("GET /api/v1/jobs/j1/events?after=0", exchange -> exchange.close());
        follower.look();
        assertNotNull(follower.getTrouble());
        next.on("GET /api/v1/jobs/j1/events?after=0", exchange -> {
            try {
                Thread.sleep(3000);
            } catch (InterruptedException error) {
                exchange.close();
            }
        });
        long start = System.nanoTime();
        follower.look();
        assertTrue(System.nanoTime() - start < 2_500_000_000L);
        assertEquals(ServiceException.SILENCE, follower.getTrouble().getCode());
        assertTrue(follower.getSilentSeconds() >= 1);
        tell(0, "running", epoch(1, 0.5));
        assertTrue(follower.look());
        assertNull(follower.getTrouble());
        assertEquals(1, follower.getHistory().getPoints().size());
    }

    @Test
    void unknownJobIsNoTroubleButARefusal() {
        next.on("GET /api/v1/jobs/j1/events?after=0", 404, "{\"code\":\"unknown_job\",\"detail\":\"There is no job j1.\"}");
        ServiceException error = assertThrows(ServiceException.class, follower::look);
        assertEquals("There is no job j1.", error.getMessage());
    }

    @Test
    void interruptedTrainingThatIsQueuedAgainGoesOn() {
        follower.look();
        tell(2, "interrupted");
        follower.look();
        assertFalse(follower.isOver(), "the service may take it up again");
        tell(2, "queued");
        follower.look();
        assertFalse(follower.isOver());
        tell(2, "running", epoch(2, 0.39), epoch(3, 0.3));
        follower.look();
        assertEquals(3, follower.getHistory().getPoints().size());
        assertEquals(0.39, follower.getHistory().getPoints().get(1).getMetric("loss"));
    }

    @Test
    void endsAreResultsOrSentences() {
        Job.Builder job = new Job.Builder("j1").kind("training").state("interrupted").error("interrupted", "It died.");
        assertEquals("Training j1 was interrupted. It died. Resume it with DFL Jobs...",
            assertThrows(ServiceException.class, () -> JobEnding.check(job.build())).getMessage());
        assertEquals("Cancelled by the user.", assertThrows(ServiceException.class,
            () -> JobEnding.check(job.state("cancelled").build())).getMessage());
        assertEquals("stopped", JobEnding.check(job.state("stopped").build()).getState());
    }

    @Test
    void cancellingWhileTheServiceIsAwaySaysThatTheJobGoesOn() throws IOException {
        service.close();
        ServiceException away = JobEnding.cancel(connection, "j1");
        assertEquals("The service does not answer, so job j1 was not cancelled and goes on."
            + " Cancel it with DFL Jobs... when the service is back.", away.getMessage());
        assertEquals(ServiceException.DOWN, away.getCode());
        next = new StubService();
        next.on("DELETE /api/v1/jobs/j1", 404, "{\"code\":\"unknown_job\",\"detail\":\"There is no job j1.\"}");
        assertEquals("There is no job j1.",
            assertThrows(ServiceException.class, () -> JobEnding.cancel(connection, "j1")).getMessage());
    }

    @Test
    void cancellingFindsAServiceThatWasRestarted() throws IOException {
        service.close();
        next = new StubService();
        next.on("DELETE /api/v1/jobs/j1", 200, "{\"id\":\"j1\",\"kind\":\"training\",\"state\":\"cancelled\"}");
        assertEquals(ServiceException.CANCELLED, JobEnding.cancel(connection, "j1").getCode());
    }

    @Test
    void waitingForASegmentationSurvivesARestartToo() throws IOException {
        Job job = connection.client().getJob("j1");
        service.close();
        next = new StubService();
        tell(0, "done");
        ProgressListener listener = new ProgressListener() {
            @Override
            public void show(org.deepflash.records.Progress progress) {
                // nothing to see
            }

            @Override
            public boolean isCancelled() {
                return false;
            }
        };
        assertEquals("done", new JobWatcher(connection, listener, 5).await(job).getState());
    }
}
