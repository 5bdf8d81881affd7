package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import java.io.IOException;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import org.deepflash.client.Connection;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.Job;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.TrainSettings;

/** {@code DFL Train...}: images and annotations of experts become a model. */
public final class Train extends Command {

    /** Kind of the job, as the service calls it. */
    static final String KIND = "training";

    private static final String PREFIX = "deepflash.train.";

    @Override
    void runWithDialog() throws IOException {
        ServiceClient client = Connector.connect();
        TrainSettings settings = ask(client.listModels(), ServiceFields.load(client, KIND, TrainSettings.OWN));
        Job job = submit(client, settings);
        MonitorWindow.open(new Connection(client, Connector::reconnect), job);
    }

    @Override
    void runWith(OptionText options) throws IOException {
        start(options);
    }

    /**
     * Starts a training without asking; with {@code wait} it comes back when the training has ended.
     *
     * @return the id of the job
     */
    public static String start(OptionText options) throws IOException {
        ServiceClient client = Connector.connect();
        TrainSettings settings = TrainSettings.fromOptions(options,
            ServiceFields.load(client, KIND, TrainSettings.OWN));
        Job job = submit(client, settings);
        if (settings.waits()) {
            Connection connection = new Connection(client, Connector::reconnect);
            try (ExitCancel guard = new ExitCancel(connection, job.getId())) {
                TrainingMonitor.follow(connection, job, settings.getOutputFolder());
            }
        }
        return job.getId();
    }

    /** Sends images and annotations, and starts the training. */
    static Job submit(ServiceClient client, TrainSettings settings) throws IOException {
        DatasetUpload data = DatasetUpload.send(client.datasets(), settings.getModel(),
            Paths.get(settings.getImageFolder()), settings.getMaskFolders());
        Job job;
        try {
            job = client.datasets().train(settings.toOptions(data.getId()));
        } catch (RuntimeException error) {
            tellProblems(data);
            data.discard();
            throw error;
        }
        RunningNotice.skip();
        IJ.log("DeepFLaSH: training " + job.getId() + " started with " + data.getPairs().size() + " images of "
            + data.getRoiCounts().size() + " experts. It goes on when Fiji is closed.");
        tellProblems(data);
        return job;
    }

    private static void tellProblems(DatasetUpload data) {
        data.getProblems().forEach(problem -> IJ.log("DeepFLaSH: left out. " + problem));
    }

    private static TrainSettings ask(List<ModelInfo> models, OptionFields known) {
        ServiceFields fields = new ServiceFields(known);
        List<String> bases = new ArrayList<>();
        bases.add(TrainSettings.NEW);
        models.forEach(model -> bases.add(model.getName()));
        GenericDialog dialog = new GenericDialog("DFL Train");
        dialog.addStringField("Model", Prefs.get(PREFIX + "model", ""), 20);
        dialog.addChoice("Base", bases.toArray(new String[0]), Prefs.get(PREFIX + "base", TrainSettings.NEW));
        dialog.addDirectoryField("Image_folder", Prefs.get(PREFIX + "image_folder", ""), 36);
        dialog.addDirectoryField("Mask_folders", Prefs.get(PREFIX + "mask_folders", ""), 36);
        dialog.addMessage("Model: name of the new model. Base: new, or a model to go on from (fewer epochs and"
            + " images).\nMask folders: a folder with one folder per expert, or anna=DIR;ben=DIR.");
        fields.addTo(dialog);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        return TrainSettings.fromOptions(read(dialog, fields), known);
    }

    private static OptionText read(GenericDialog dialog, ServiceFields fields) {
        OptionText options = OptionText.parse("").with("model", dialog.getNextString().trim())
            .with("base", dialog.getNextChoice()).with("image_folder", dialog.getNextString().trim())
            .with("mask_folders", dialog.getNextString().trim());
        for (String key : new String[] {"model", "base", "image_folder", "mask_folders"}) {
            Prefs.set(PREFIX + key, options.get(key, ""));
        }
        return fields.readFrom(dialog, options);
    }
}
