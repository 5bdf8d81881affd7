package org.deepflash.commands;

import ij.IJ;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deepflash.client.DatasetClient;
import org.deepflash.client.JobEnding;
import org.deepflash.client.PairAgreement;
import org.deepflash.client.PairVerdict;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.ExpertFolders;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;

/** Sends images and the annotations of experts to the service, file by file; Escape ends it and leaves nothing. */
final class DatasetUpload {

    private final DatasetClient client;
    private final String id;
    private final List<Path> images;
    private final List<String> problems = new ArrayList<>();
    private final List<PairVerdict> refused = new ArrayList<>();
    private final Map<String, Integer> roiCounts = new LinkedHashMap<>();
    private Map<String, List<String>> pairs = Collections.emptyMap();
    private int sent;
    private int total;

    private DatasetUpload(DatasetClient client, String id, List<Path> images) {
        this.client = client;
        this.id = id;
        this.images = images;
    }

    /**
     * Sends everything.
     *
     * @param maskFolders as of {@link ExpertFolders#find}
     * @throws InputException if no image has an annotation
     */
    static DatasetUpload send(DatasetClient client, String name, Path imageFolder, String maskFolders)
            throws IOException {
        return send(client, name, imageFolder, ExpertFolders.find(maskFolders));
    }

    /** Sends everything, with experts and their files. */
    static DatasetUpload send(DatasetClient client, String name, Path imageFolder, Map<String, List<Path>> experts)
            throws IOException {
        DatasetUpload upload = sendAny(client, name, imageFolder, experts);
        try {
            upload.pairs = client.listPairs(upload.id, upload.problems, new LongWork("checking the pairs"));
        } catch (RuntimeException error) {
            upload.discard();
            throw error;
        }
        if (upload.pairs.isEmpty()) {
            upload.discard();
            throw new InputException("No image has an annotation of its name. " + String.join(" ", upload.problems));
        }
        return upload;
    }

    /** Sends everything, and does not look whether anything fits together. */
    static DatasetUpload sendAny(DatasetClient client, String name, Path imageFolder, Map<String, List<Path>> experts)
            throws IOException {
        List<Path> images = RoiPairing.listImages(imageFolder);
        if (images.isEmpty()) {
            throw new InputException("There is no image in " + imageFolder + ". Name the folder that holds the images.");
        }
        DatasetUpload upload = new DatasetUpload(client, client.create(name), images);
        try {
            upload.sendAll(experts);
            return upload;
        } catch (IOException | RuntimeException error) {
            upload.discard();
            throw error;
        }
    }

    private void sendAll(Map<String, List<Path>> experts) throws IOException {
        IJ.resetEscape();
        total = images.size() + experts.values().stream().mapToInt(List::size).sum();
        for (Path image : images) {
            put(image, "", () -> client.putImage(id, name(image), Files.readAllBytes(image)));
        }
        for (Map.Entry<String, List<Path>> expert : experts.entrySet()) {
            roiCounts.put(expert.getKey(), 0);
            for (Path mask : expert.getValue()) {
                put(mask, expert.getKey(), () -> roiCounts.merge(expert.getKey(),
                    client.putAnnotation(id, expert.getKey(), name(mask), Files.readAllBytes(mask)), Integer::sum));
            }
        }
        IJ.showProgress(1.0);
    }

    /** Sends one file. */
    private interface Sending {
        void send() throws IOException;
    }

    private void put(Path file, String expert, Sending sending) throws IOException {
        if (IJ.escapePressed()) {
            throw JobEnding.cancelled();
        }
        IJ.showStatus("DeepFLaSH: sending " + name(file));
        IJ.showProgress(sent++, total);
        try {
            sending.send();
        } catch (ServiceException error) {
            boolean isAboutFile = error.getCode().startsWith("invalid_") || error.getCode().equals("shape_mismatch");
            if (!isAboutFile) {
                throw error;
            }
            problems.add(name(file) + ": " + error.getMessage());
            refused.add(PairTable.refuse(name(file), expert, error));
        }
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }

    /** Compares every two experts; where no image has two, there is nothing to compare, which is told in the Log. */
    List<PairAgreement> compareExperts() {
        boolean canCompare = pairs.values().stream().anyMatch(experts -> experts.size() > 1);
        if (!canCompare) {
            tellNothingToCompare();
            return Collections.emptyList();
        }
        return client.compareExperts(id, new LongWork("comparing the experts"));
    }

    static void tellNothingToCompare() {
        IJ.log("DeepFLaSH: no image has usable annotations of two experts, so nothing says how well they agree.");
    }

    /** Takes the data set away again. */
    void discard() {
        try {
            client.delete(id);
        } catch (ServiceException error) {
            IJ.log("DeepFLaSH: the data set " + id + " is left over. " + error.getMessage());
        }
    }

    /** Returns the id of the data set. */
    String getId() {
        return id;
    }

    /** Returns image to experts. */
    Map<String, List<String>> getPairs() {
        return pairs;
    }

    /** Returns the files of the images. */
    List<Path> getImages() {
        return images;
    }

    /** Returns one sentence for each file that was left out. */
    List<String> getProblems() {
        return problems;
    }

    /** Returns the files that the service did not take; an image has no expert. */
    List<PairVerdict> getRefused() {
        return refused;
    }

    /** Returns the ROIs per expert. */
    Map<String, Integer> getRoiCounts() {
        return roiCounts;
    }
}
