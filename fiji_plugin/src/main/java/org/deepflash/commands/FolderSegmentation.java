package org.deepflash.commands;

import ij.IJ;
import ij.ImagePlus;
import ij.io.FileInfo;
import ij.io.Opener;
import ij.measure.ResultsTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.FolderFiles;
import org.deepflash.fiji.RoiFiles;
import org.deepflash.fiji.RoiPairing;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.Planes;
import org.deepflash.records.SegmentSettings;

/** Segments every image of a folder; the images are opened out of sight, so those of the user stay as they are. */
public final class FolderSegmentation {

    /** Title of the table. */
    static final String TITLE = "DeepFLaSH Folder";

    private static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("images", "output",
        "model", "threshold", "min_roi_size", "channel", "planes", "mask", "labels", "probability", "overwrite")));
    private static final String[] OF_FOLDER = {"input_folder", "filter", "recursive", "skip_existing"};

    private final OptionText options;
    private final OptionFields fields;
    private final Path input;
    private final Path output;
    private final Map<Path, Path> sources = new HashMap<>();
    private final StringBuilder summary = new StringBuilder("Image,ROIs,Error\n");
    private final ResultsTable table = new ResultsTable();
    private int done;
    private int kept;
    private int failed;

    private FolderSegmentation(OptionText options, OptionFields fields) {
        this.options = options;
        this.fields = fields;
        this.input = Paths.get(options.need("input_folder"));
        this.output = Paths.get(options.need("output_folder"));
        table.showRowNumbers(false);
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
        OptionFields fields = ServiceFields.loadFor(options, KEYS, Segment.KIND, SegmentSettings.OWN);
        options.allowOnly(fields.addTo(KEYS));
        for (String key : new String[] {"images", "output", "model"}) {
            if (options.get(key, "").isEmpty()) {
                throw new InputException("The argument needs images=DIR output=DIR model=NAME, but " + key
                    + " is missing.");
            }
        }
        OptionText renamed = options.without("images").without("output").with("input_folder", options.need("images"))
            .with("output_folder", options.need("output"));
        return segment(options.has("overwrite") ? renamed : renamed.with("skip_existing", "true"), fields);
    }

    /** Segments a folder by the keys of {@code DFL Segment Folder...}; see {@link #run}. */
    static String segment(OptionText options, OptionFields fields) throws IOException {
        if (options.has("skip_existing") && options.has("overwrite")) {
            throw new InputException("skip_existing keeps earlier results and overwrite replaces them."
                + " Choose one of the two.");
        }
        options.need("model");
        FolderSegmentation work = new FolderSegmentation(options, fields);
        work.settingsFor(work.output);
        return work.segment(FolderFiles.list(work.input, options.get("filter", ""), options.has("recursive"),
            work.output, options.get("suffix", "")));
    }

    private SegmentSettings settingsFor(Path folder) {
        // No plane of a file on disk is shown: all are meant, as in the dialog and on the command line.
        OptionText words = options.with("output_folder", folder.toString()).with("table", "true")
            .with("planes", options.get("planes", Planes.ALL.getWord()));
        for (String key : OF_FOLDER) {
            words = words.without(key);
        }
        return SegmentSettings.fromOptions(words, fields);
    }

    private String segment(List<Path> files) throws IOException {
        ServiceClient client = Connector.connect();
        List<ModelInfo> models = client.listModels();
        try {
            for (Path file : files) {
                segmentOrTell(file, client, models);
            }
        } finally {
            Path report = output.resolve("summary" + options.get("suffix", "") + ".csv");
            AtomicFiles.write(report, summary.toString().getBytes(StandardCharsets.UTF_8));
            table.show(TITLE);
        }
        String counts = done + " segmented, " + kept + " kept, " + failed + " failed";
        if (done + kept == 0) {
            throw new InputException("No image was segmented (" + counts + "). The file "
                + output.resolve("summary" + options.get("suffix", "") + ".csv") + " names each image and the reason.");
        }
        return counts;
    }

    private void segmentOrTell(Path file, ServiceClient client, List<ModelInfo> models) throws IOException {
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

    private int segment(Path file, ServiceClient client, List<ModelInfo> models) throws IOException {
        Path folder = output.resolve(input.relativize(file)).getParent();
        SegmentSettings settings = settingsFor(folder);
        Path set = folder.resolve(RoiPairing.stem(file.getFileName().toString()) + settings.getSuffix()
            + "_RoiSet.zip");
        Path other = sources.putIfAbsent(set, file);
        if (other != null) {
            throw new InputException("Its results would have the names of those of " + other.getFileName()
                + ". Rename one of the two images.");
        }
        if (options.has("skip_existing") && Files.exists(set)) {
            int count = RoiFiles.readZip(Files.readAllBytes(set)).size();
            kept++;
            IJ.log("DeepFLaSH: kept. " + set + " exists already; add overwrite to replace it.");
            return count;
        }
        // Told here, because ImageJ would abort the macro that runs the command.
        if (new Opener().getFileType(file.toString()) == Opener.UNKNOWN) {
            throw new InputException(file + " cannot be opened as an image. Check that it exists and opens in ImageJ.");
        }
        ImagePlus image = Images.open(file);
        refuseTruncated(image, file);
        refuseOpenChoice(image, settings, Segmentation.findModel(settings.getModel(), models));
        int count = Segment.segment(image, settings, client, models);
        done++;
        IJ.log("DeepFLaSH: " + file.getFileName() + ", " + count + " ROIs");
        return count;
    }

    /** ImageJ opens the rest of a file that was cut off as black, which would be an image without cells. */
    private static void refuseTruncated(ImagePlus image, Path file) throws IOException {
        FileInfo info = image.getOriginalFileInfo();
        boolean isPlain = info != null && info.fileFormat == FileInfo.TIFF
            && info.compression <= FileInfo.COMPRESSION_NONE;
        if (isPlain && info.getOffset() + (long) info.width * info.height * info.getBytesPerPixel()
                > Files.size(file)) {
            throw new InputException(file + " cannot be opened as an image: its end is missing. Copy it again.");
        }
    }

    /** A file on disk has no channel that is shown, so none is taken unasked. */
    private static void refuseOpenChoice(ImagePlus image, SegmentSettings settings, ModelInfo model) {
        boolean isChosen = !settings.getChannel().isEmpty() && !settings.getChannel().equals("0");
        if (!isChosen && model.getChannels() == 1 && image.getNChannels() > 1) {
            throw new InputException(image.getTitle() + " has " + image.getNChannels() + " channels, but model "
                + model.getName() + " expects 1. Choose one with the option channel.");
        }
    }

    private static boolean isCancelled(Exception error) {
        return error instanceof ServiceException
            && ((ServiceException) error).getCode().equals(ServiceException.CANCELLED);
    }

    private void add(Path file, int count, String fault) {
        String name = input.relativize(file).toString().replace('\\', '/');
        boolean isPlain = name.indexOf(',') < 0 && name.indexOf('"') < 0;
        summary.append(isPlain ? name : quote(name)).append(',').append(count < 0 ? "" : count).append(',')
            .append(fault.isEmpty() ? "" : quote(fault)).append('\n');
        table.addRow();
        table.addValue("Image", name);
        table.addValue("ROIs", count < 0 ? "" : String.valueOf(count));
        table.addValue("Error", fault.replaceAll("\\s+", " "));
    }

    private static String quote(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }
}
