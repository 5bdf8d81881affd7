package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.gui.GenericDialog;
import ij.plugin.PlugIn;
import java.awt.Checkbox;
import java.awt.GraphicsEnvironment;
import java.awt.Label;
import java.awt.TextField;
import java.util.Vector;
import org.deepflash.client.HttpServiceClient;
import org.deepflash.client.ServiceFinder;
import org.deepflash.records.ConnectionSettings;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** {@code DFL Set Up...}: where the service is and how it is started. */
public final class SetUp implements PlugIn {

    @Override
    public void run(String argument) {
        try {
            String options = Macro.getOptions();
            if (options != null) {
                IJ.log(store(OptionText.parse(options)));
            } else if (GraphicsEnvironment.isHeadless()) {
                throw new InputException("DFL Set Up... needs options without a display, for example"
                    + " service_url=http://127.0.0.1:8000.");
            } else {
                RecordedPaths.record(askAndStore());
                IJ.showMessage("DeepFLaSH", Sentence.wrap(report(StoredSettings.load())));
            }
        } catch (RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? error : Failures.end(error);
        }
    }

    /**
     * Stores the settings of a macro string.
     *
     * <p>A recorded macro has no token: where none is named, the one that is stored stays with its address. An empty
     * {@code token=[]} removes it.
     *
     * @return a report on the connection
     */
    public static String store(OptionText options) {
        options.allowOnly(ConnectionSettings.KEYS);
        ConnectionSettings before = StoredSettings.loadChosen();
        ConnectionSettings settings = ConnectionSettings.fromOptions(options);
        boolean keepsToken = !options.names("token") && settings.getServiceUrl().equals(before.getServiceUrl());
        StoredSettings.save(keepsToken ? ConnectionSettings.fromOptions(options.with("token", before.getToken()))
            : settings);
        return report(StoredSettings.load());
    }

    /**
     * Opens the dialog and stores what was entered; ends the command if it is cancelled.
     *
     * <p>The fields are read past the recorder: this dialog may stand inside another command, and a token has no
     * place in a recorded macro.
     *
     * @return what was entered, but for the token
     */
    static OptionText askAndStore() {
        ConnectionSettings before = StoredSettings.loadChosen();
        GenericDialog dialog = new GenericDialog("DFL Set Up");
        dialog.addMessage("Leave Service URL and Token empty to use the service of this computer.");
        dialog.addStringField("Service_URL", before.getServiceUrl(), 36);
        dialog.addCheckbox("Start_local service when none answers", before.startsLocal());
        dialog.addFileField("Python", before.getPython(), 36);
        dialog.addDirectoryField("Home folder", before.getHome(), 36);
        dialog.addMessage("Python: the python or deepflash executable that starts the service. Home folder: as in"
            + "\n`deepflash serve --home DIR`. Empty = as deepflash install-fiji found them.");
        dialog.addNumericField("Timeout_s", before.getTimeout(), 0);
        ((Label) dialog.getComponent(dialog.getComponentCount() - 2)).setText("Timeout (seconds)");
        dialog.setEchoChar('*');
        dialog.addStringField("Token", before.getToken(), 36);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText entered = OptionText.parse(((Checkbox) dialog.getCheckboxes().get(0)).getState() ? "start_local" : "")
            .with("service_url", text(dialog.getStringFields(), 0))
            .with("python", RecordedPaths.toSlashes(text(dialog.getStringFields(), 1)))
            .with("home", RecordedPaths.toSlashes(text(dialog.getStringFields(), 2)))
            .with("timeout_s", text(dialog.getNumericFields(), 0));
        StoredSettings.save(ConnectionSettings.fromOptions(entered.with("token", text(dialog.getStringFields(), 3))));
        return entered;
    }

    private static String text(Vector<?> fields, int index) {
        return ((TextField) fields.get(index)).getText().trim();
    }

    private static String report(ConnectionSettings settings) {
        try {
            HttpServiceClient client = new HttpServiceClient(ServiceFinder.find(settings), settings.getTimeout());
            String version = client.checkService().getVersion();
            return "Connected to DeepFLaSH " + version + " at " + client.getUrl() + ".";
        } catch (RuntimeException error) {
            return "Settings stored. " + Failures.toSentence(error);
        }
    }
}
