package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;
import org.deepflash.records.SegmentSettings;

/** Segments every image of a folder; the images are opened out of sight, so those of the user stay as they are. */
public final class FolderSegmentation {

    private static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("images", "output",
        "model", "threshold", "min_roi_size", "channel", "planes", "mask", "labels", "probability", "overwrite")));

    private final SegmentSettings settings;
    private final Path output;
    private final StringBuilder summary = new StringBuilder("Image,ROIs,Error\n");
    private int done;
    private int kept;
    private int failed;

    private FolderSegmentation(SegmentSettings settings, Path output) {
        this.settings = settings;
        this.output = output;
    }

    /**
     * Segments a folder: {@code images=FOLDER output=FOLDER model=NAME} and the keys of {@code DFL Segment...}.
     * A bad file is a row of {@code summary.csv} and does not stop the others; results that exist are kept.
     *
     * @return how many were segmented, kept and failed
     * @throws InputException if not a single result is there in the end
     * @throws IOException if the summary cannot be written
     */
    public static String run(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        for (String key : new String[] {"images", "output", "model"}) {
            if (options.get(key, "").isEmpty()) {
                throw new InputException("The argument needs images=DIR output=DIR model=NAME, but " + key
                    + " is missing.");
            }
        }
        Path output = Paths.get(options.need("output"));
        SegmentSettings settings = SegmentSettings.fromOptions(options.without("images").without("output")
            .with("output_folder", output.toString()).with("table", "true"));
        Path images = Paths.get(options.need("images"));
        List<Path> files = RoiPairing.listImages(images);
        if (files.isEmpty()) {
            throw new InputException("There is no image in " + images + ". Name the folder that holds the images.");
        }
        return new FolderSegmentation(settings, output).segment(files);
    }

    private String segment(List<Path> files) throws IOException {
        ServiceClient client = Connector.connect();
        List<ModelInfo> models = client.listModels();
        for (Path file : files) {
            try {
                add(file, segment(file, client, models), "");
            } catch (IOException | RuntimeException error) {
                if (isCancelled(error)) {
                    throw error;
                }
                failed++;
                IJ.log("DeepFLaSH: failed. " + file.getFileName() + ": " + Failures.toSentence(error));
                add(file, -1, Failures.toSentence(error));
            }
        }
        AtomicFiles.write(output.resolve("summary.csv"), summary.toString().getBytes(StandardCharsets.UTF_8));
        String counts = done + " segmented, " + kept + " kept, " + failed + " failed";
        if (done + kept == 0) {
            throw new InputException("No image was segmented (" + counts + "). The file "
                + output.resolve("summary.csv") + " names each image and the reason.");
        }
        return counts;
    }

    private int segment(Path file, ServiceClient client, List<ModelInfo> models) throws IOException {
        Path set = output.resolve(RoiPairing.stem(file.getFileName().toString()) + "_RoiSet.zip");
        if (!settings.wants("overwrite") && Files.exists(set)) {
            int count = RoiFiles.readZip(Files.readAllBytes(set)).size();
            kept++;
            IJ.log("DeepFLaSH: kept. " + set + " exists already; add overwrite to replace it.");
            return count;
        }
        ImagePlus image = Images.open(file);
        int count = Segment.segment(image, settings, client, models);
        done++;
        IJ.log("DeepFLaSH: " + file.getFileName() + ", " + count + " ROIs");
        return count;
    }

    private static boolean isCancelled(Exception error) {
        return error instanceof ServiceException
            && ((ServiceException) error).getCode().equals(ServiceException.CANCELLED);
    }

    private void add(Path file, int count, String fault) {
        String name = file.getFileName().toString();
        boolean isPlain = name.indexOf(',') < 0 && name.indexOf('"') < 0;
        summary.append(isPlain ? name : quote(name)).append(',').append(count < 0 ? "" : count).append(',')
            .append(fault.isEmpty() ? "" : quote(fault)).append('\n');
    }

    private static String quote(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }
}
