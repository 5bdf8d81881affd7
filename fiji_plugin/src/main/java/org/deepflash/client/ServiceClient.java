package org.deepflash.client;

import java.util.List;
import org.deepflash.records.EventPage;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.SegmentSettings;
import org.deepflash.records.ServiceInfo;

/** The calls of docs/http-api.md that the plugin needs. All throw {@link ServiceException}. */
public interface ServiceClient {

    /** Returns the address, for messages. */
    String getUrl();

    /** Asks who answers, and refuses a service whose interface this plugin does not speak. */
    ServiceInfo checkService();

    /** Returns the newest version of each model, sorted by name. */
    List<ModelInfo> listModels();

    /** Returns the calls about the model library. */
    ModelClient models();

    /** Returns the calls about data sets and trainings. */
    DatasetClient datasets();

    /** Returns the calls about evaluations. */
    EvaluationClient evaluations();

    /** Returns the calls about the options that the service takes. */
    SchemaClient schemas();

    /**
     * Starts the segmentation of one plane.
     *
     * @param settings model, threshold, minimum ROI size and what only the service knows are used
     * @param imageName name of the image for messages and tables
     * @param tiff the raw values
     */
    Job submitSegmentation(SegmentSettings settings, String imageName, byte[] tiff);

    /** Looks at a job. */
    Job getJob(String id);

    /** Ends a job and discards its results; a job that has ended already is no error. */
    void cancelJob(String id);

    /** Ends a job and keeps the best result so far. */
    Job stopJob(String id);

    /**
     * Queues a training again that was interrupted, failed or was stopped.
     *
     * @return the job as it is now
     */
    Job resumeJob(String id);

    /** Returns the newest jobs first. */
    List<Job> listJobs();

    /**
     * Reads what happened to a job.
     *
     * @param after 0, or the cursor of the page before
     */
    EventPage getEvents(String id, long after);

    /** Returns the log of a job for people: events, what the worker printed, faults; empty if there is nothing. */
    String getLog(String id);

    /** Fetches a result file of a job of one image, such as {@code RoiSet.zip}. */
    byte[] getResult(String id, String file);
}
