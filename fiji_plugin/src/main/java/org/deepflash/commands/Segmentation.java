package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.deepflash.client.Connection;
import org.deepflash.client.JobEnding;
import org.deepflash.client.JobWarnings;
import org.deepflash.client.JobWatcher;
import org.deepflash.client.ServiceClient;
import org.deepflash.fiji.Channels;
import org.deepflash.fiji.PlanePosition;
import org.deepflash.fiji.PlaneSource;
import org.deepflash.fiji.ResultImages;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.SegmentedPlane;
import org.deepflash.records.InputException;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.SegmentSettings;

/** Sends an image plane by plane and collects what the service found; shows nothing itself. */
final class Segmentation {

    private static final int MOST_WARNINGS = 10;
    /** How the service begins the reason why a plane has no ROI. */
    private static final String REASON = ": found nothing: ";

    private final Connection connection;
    private final SegmentSettings settings;
    private final ModelInfo model;
    private final List<SegmentedPlane> planes = new ArrayList<>();
    private final Set<String> warnings = new LinkedHashSet<>();
    private String modelVersion = "";
    private double highest;

    /**
     * @throws InputException if the model is not in the library
     */
    Segmentation(ServiceClient client, SegmentSettings settings, List<ModelInfo> models) {
        this.connection = new Connection(client, Connector::reconnect);
        this.settings = settings;
        this.model = findModel(settings.getModel(), models);
    }

    /**
     * Returns the model of a name, with or without version.
     *
     * @throws InputException if it is not in the library
     */
    static ModelInfo findModel(String wanted, List<ModelInfo> models) {
        String name = wanted.replaceFirst("@\\d+$", "");
        List<String> known = new ArrayList<>();
        for (ModelInfo candidate : models) {
            if (candidate.getName().equals(name)) {
                return candidate;
            }
            known.add(candidate.getName());
        }
        throw new InputException("There is no model " + name + ". " + (known.isEmpty()
            ? SegmentDialog.EMPTY_LIBRARY : "Known models: " + String.join(", ", known) + "."));
    }

    /** Segments all chosen planes; Escape cancels. */
    void run(ImagePlus image, int timeout) {
        IJ.resetEscape();
        int channel = Channels.find(image, settings.getChannel());
        PlaneSource source = new PlaneSource(image, model, channel, settings.getPlanes());
        List<PlanePosition> positions = source.getPositions();
        ResultImages.refuseTooLarge(image, positions.size(), listImages());
        for (int i = 0; i < positions.size(); i++) {
            PlanePosition position = positions.get(i);
            Job submitted = connection.client().submitSegmentation(settings, image.getTitle(), source.encode(position));
            Job job = new JobWatcher(connection, new ImageJProgress(i, positions.size()), timeout).await(submitted);
            modelVersion = job.getModel().isEmpty() ? settings.getModel() : job.getModel();
            SegmentedPlane plane = fetch(job.getId(), position);
            plane.describe(image, model.getTarget(), modelVersion);
            planes.add(plane);
            warn(job);
        }
        IJ.showProgress(1.0);
        IJ.showStatus("DeepFLaSH: " + getRois().size() + " ROIs");
    }

    /** Tells each warning once, and of a stack that has many only the first. */
    private void warn(Job job) {
        for (String sentence : JobWarnings.read(connection.client(), job)) {
            if (!warnings.add(sentence) || warnings.size() > MOST_WARNINGS) {
                continue;
            }
            IJ.log("DeepFLaSH: " + sentence);
            if (warnings.size() == MOST_WARNINGS) {
                IJ.log("DeepFLaSH: further warnings are with their jobs, see DFL Jobs...");
            }
        }
    }

    private SegmentedPlane fetch(String job, PlanePosition position) {
        try {
            return read(job, position);
        } catch (IOException error) {
            throw JobEnding.damaged(error.getMessage());
        }
    }

    private SegmentedPlane read(String job, PlanePosition position) throws IOException {
        ServiceClient client = connection.client();
        List<Roi> rois = RoiFiles.readZip(client.getResult(job, "RoiSet.zip"));
        String csv = new String(client.getResult(job, "rois.csv"), StandardCharsets.UTF_8);
        boolean needsLabels = settings.wants("labels") || settings.wants("mask");
        ImageProcessor labels = needsLabels ? SegmentedPlane.decode(client.getResult(job, "labels.tif")) : null;
        boolean needsProbability = settings.wants("probability") || rois.isEmpty();
        ImageProcessor probability = needsProbability
            ? SegmentedPlane.decode(client.getResult(job, "probability.tif")) : null;
        if (probability != null) {
            highest = Math.max(highest, ImageStatistics.getStatistics(probability).max);
        }
        // A map that only tells the highest probability must not stay: a stack has many.
        return new SegmentedPlane(position, rois, csv, labels, settings.wants("probability") ? probability : null);
    }

    private List<String> listImages() {
        List<String> images = new ArrayList<>(ResultImages.KINDS);
        images.removeIf(kind -> !settings.wants(kind));
        return images;
    }

    /** Returns the results, one per plane. */
    List<SegmentedPlane> getPlanes() {
        return planes;
    }

    /** Returns the ROIs of all planes. */
    List<Roi> getRois() {
        List<Roi> rois = new ArrayList<>();
        planes.forEach(plane -> rois.addAll(plane.getRois()));
        return rois;
    }

    /** Returns NAME@VERSION of the model that was used. */
    String getModelVersion() {
        return modelVersion;
    }

    /** Returns the threshold that was used. */
    double getThreshold() {
        return settings.getThreshold() == null ? model.getThreshold() : settings.getThreshold();
    }

    /** Tells whether the service has told why there is no ROI; it stands in the Log then. */
    boolean isExplained() {
        return !listReasons().isEmpty();
    }

    private List<String> listReasons() {
        List<String> reasons = new ArrayList<>(warnings);
        reasons.removeIf(sentence -> !sentence.contains(REASON));
        return reasons;
    }

    /** Returns the sentence for a segmentation without ROIs: the reason that the service tells, else figures. */
    String describeNothing() {
        List<String> reasons = listReasons();
        if (!reasons.isEmpty()) {
            return reasons.get(0) + (reasons.size() > 1 ? " The Log tells the reasons of the other planes." : "");
        }
        int size = settings.getMinRoiSize() == null ? model.getMinRoiSize() : settings.getMinRoiSize();
        return String.format(Locale.ROOT, "No ROI was found: the highest probability is %.3f, the threshold"
            + " %.3f, the minimum ROI size %d px. Lower the threshold or choose another model.", highest,
            getThreshold(), size);
    }
}
