package org.deepflash.commands;

import ij.IJ;
import ij.gui.GenericDialog;
import java.awt.GraphicsEnvironment;
import java.io.IOException;
import java.util.List;
import org.deepflash.client.ServiceClient;
import org.deepflash.fiji.ModelTable;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;

/** {@code DFL Model Library...}: which models there are, what is known about them, and files to and fro. */
public final class ModelLibrary extends Command {

    @Override
    void runWithDialog() throws IOException {
        ServiceClient client = Connector.connect();
        List<ModelInfo> models = client.listModels();
        ModelTable.show(models);
        OptionText options = ask(models);
        String action = ModelActions.check(options);
        if (action.equals("delete") && !Question.ask("Delete model " + options.need("model")
                + "? It moves to the trash of the service.", "Delete", "Keep the model")) {
            throw Failures.cancel();
        }
        String text = new ModelActions(client.models(), options).carryOut();
        ModelTable.show(client.listModels());
        if (action.equals("info")) {
            TextPage.show("DeepFLaSH Model", text);
        } else if (!action.equals("list")) {
            IJ.log("DeepFLaSH: " + text);
            IJ.showStatus(text);
        }
    }

    @Override
    void runWith(OptionText options) throws IOException {
        String action = ModelActions.check(options);
        ServiceClient client = Connector.connect();
        String text = new ModelActions(client.models(), options).carryOut();
        boolean isTableEnough = action.equals("list") && !GraphicsEnvironment.isHeadless();
        if (!isTableEnough) {
            IJ.log(text);
        }
        ModelTable.show(client.listModels());
    }

    /** Does the same for scripts, and returns the text. */
    public static String act(OptionText options) throws IOException {
        ModelActions.check(options);
        return new ModelActions(Connector.connect().models(), options).carryOut();
    }

    private static OptionText ask(List<ModelInfo> models) {
        String[] names = models.isEmpty() ? new String[] {""}
            : models.stream().map(ModelInfo::getName).toArray(String[]::new);
        GenericDialog dialog = new GenericDialog("DFL Model Library");
        dialog.addChoice("Action", ModelActions.ACTIONS.toArray(new String[0]), ModelActions.ACTIONS.get(0));
        dialog.addChoice("Model", names, names[0]);
        dialog.addFileField("File", "", 36);
        dialog.addStringField("New_name", "", 20);
        dialog.addCheckbox("Overwrite the file of an export", false);
        dialog.addMessage("File: the package to import, or the file or folder for export. New name: for rename, or for"
            + "\nan import under another name. use = first choice of DFL Segment...");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("action", dialog.getNextChoice())
            .with("model", dialog.getNextChoice()).with("file", dialog.getNextString().trim())
            .with("new_name", dialog.getNextString().trim());
        return dialog.getNextBoolean() ? options.with("overwrite", "true") : options;
    }
}
