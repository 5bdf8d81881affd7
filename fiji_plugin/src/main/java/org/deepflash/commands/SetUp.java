package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.gui.GenericDialog;
import ij.plugin.PlugIn;
import java.awt.GraphicsEnvironment;
import java.awt.TextField;
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
                askAndStore();
                IJ.showMessage("DeepFLaSH", Sentence.wrap(report(StoredSettings.load())));
            }
        } catch (RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? error : Failures.end(error);
        }
    }

    /**
     * Stores the settings of a macro string.
     *
     * @return a report on the connection
     */
    public static String store(OptionText options) {
        options.allowOnly(ConnectionSettings.KEYS);
        ConnectionSettings settings = ConnectionSettings.fromOptions(options);
        StoredSettings.save(settings);
        return report(settings);
    }

    /** Opens the dialog and stores what was entered; ends the command if it is cancelled. */
    static void askAndStore() {
        ConnectionSettings before = StoredSettings.load();
        GenericDialog dialog = new GenericDialog("DFL Set Up");
        dialog.addMessage("Leave Service URL and Token empty to use the service of this computer.");
        dialog.addStringField("Service_URL", before.getServiceUrl(), 36);
        dialog.addCheckbox("Start_local service when none answers", before.startsLocal());
        dialog.addStringField("Python", before.getPython(), 36);
        dialog.addMessage("Python: the python or deepflash executable that starts the service; empty = deepflash.");
        dialog.addNumericField("Timeout_s", before.getTimeout(), 0);
        dialog.setEchoChar('*');
        dialog.addStringField("Token", before.getToken(), 36);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        String url = dialog.getNextString().trim();
        boolean startsLocal = dialog.getNextBoolean();
        String python = dialog.getNextString().trim();
        int timeout = (int) dialog.getNextNumber();
        // Read past the recorder: a token has no place in a recorded macro.
        String token = ((TextField) dialog.getStringFields().get(2)).getText().trim();
        StoredSettings.save(new ConnectionSettings(url, token, startsLocal, python, timeout));
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
