package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.deepflash.Macros;
import org.deepflash.client.StubService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobActionsTest {

    private static final String RUNNING = "{\"id\":\"t2\",\"kind\":\"training\",\"state\":\"running\",\"message\":\"epoch"
        + " 3\\nof 9\",\"current\":3,\"maximum\":9,\"model\":\"cells\",\"created\":\"no time\"}";
    private static final String FAILED = "{\"id\":\"t1\",\"kind\":\"training\",\"state\":\"failed\",\"model\":\"old\","
        + "\"error\":{\"code\":\"disk_full\",\"message\":\"The disk is full.\"}}";
    private static final String DONE = "{\"id\":\"s9\",\"kind\":\"segmentation\",\"state\":\"done\",\"model\":\"m@1\","
        + "\"results\":[\"rois.csv\"]}";

    @TempDir
    private Path home;

    private StubService service;

    @BeforeEach
    void start() throws IOException {
        service = new StubService().on("GET /api/v1/jobs", 200, "{\"jobs\":[" + String.join(",", DONE, RUNNING, FAILED)
            + "]}").on("GET /api/v1/jobs/s9", 200, DONE);
        Files.write(home.resolve("service.json"),
            ("{\"url\":\"" + service.url() + "\",\"token\":\"t\",\"api\":1}").getBytes(StandardCharsets.UTF_8));
        System.setProperty("deepflash.home", home.toString());
    }

    @AfterEach
    void stop() {
        service.close();
        System.clearProperty("deepflash.home");
    }

    @Test
    void listHasOneRowPerJob() {
        assertEquals("ID\tKind\tState\tMessage\tProgress\tModel\tCreated\n"
            + "s9\tsegmentation\tdone\t\t\tm@1\t\n"
            + "t2\ttraining\trunning\tepoch 3 of 9\t3 of 9\tcells\tno time\n"
            + "t1\ttraining\tfailed\tThe disk is full.\t\told\t", Macros.jobs(""));
    }

    @Test
    void latestIsTheNewestToWhichTheActionApplies() {
        service.on("POST /api/v1/jobs/t2/stop", 202, RUNNING).on("DELETE /api/v1/jobs/t2", 202, RUNNING)
            .on("POST /api/v1/jobs/t1/resume", 202, FAILED);
        assertEquals("Training t2 stops at the next batch and keeps its best weights.", Macros.jobs("action=stop"));
        assertEquals("Job t2 is cancelled; its results are discarded.", Macros.jobs("action=cancel job=latest"));
        assertEquals("Training t1 goes on where it ended.", Macros.jobs("action=resume"));
        assertTrue(Macros.jobs("action=show").startsWith("Job: s9\nKind: segmentation\nState: done\n"));
    }

    @Test
    void nothingToActOnIsASentence() {
        service.on("GET /api/v1/jobs", 200, "{\"jobs\":[" + DONE + "]}");
        assertEquals("error: No training runs that could be stopped. See the list with action=list.",
            Macros.jobs("action=stop"));
        assertEquals("error: Job s9 has ended already (done); nothing is left to cancel.",
            Macros.jobs("action=cancel job=s9"));
    }

    @Test
    void refusalsOfTheServiceComeThrough() {
        service.on("GET /api/v1/jobs/x", 404, "{\"code\":\"unknown_job\",\"detail\":\"There is no job x.\"}");
        assertEquals("error: There is no job x.", Macros.jobs("action=log job=x"));
        service.on("POST /api/v1/jobs/s9/stop", 409, "{\"code\":\"not_stoppable\",\"detail\":\"Cancel it instead.\"}");
        assertEquals("error: Cancel it instead.", Macros.jobs("action=stop job=s9"));
    }

    @Test
    void logIsWhatTheServiceWroteForPeople() {
        service.on("GET /api/v1/jobs/s9/log", 200, "T1 queued\nTraceback \u00b5\n");
        assertEquals("T1 queued\nTraceback \u00b5", Macros.jobs("action=log job=latest"));
        service.on("GET /api/v1/jobs/s9/log", 200, "");
        assertEquals("Job s9 has told nothing yet.", Macros.jobs("action=log job=s9"));
    }

    @Test
    void wrongWordsAreNamedBeforeTheServiceIsAsked() {
        service.close();
        assertEquals("error: action=kill is not known. Choose one of list, show, stop, cancel, resume, log.",
            Macros.jobs("action=kill"));
        assertEquals("error: Unknown option jobs. Known are action, job.", Macros.jobs("jobs=all"));
    }
}
