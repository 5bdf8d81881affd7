package org.deepflash.commands;

import ij.IJ;
import ij.gui.GenericDialog;
import java.awt.GraphicsEnvironment;
import org.deepflash.client.Connection;
import org.deepflash.client.HttpServiceClient;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.client.ServiceFinder;
import org.deepflash.client.ServiceLauncher;
import org.deepflash.records.ConnectionSettings;

/** Opens the connection to the service, and helps the user when there is none. */
final class Connector {

    private static final String START = "Start service";
    private static final String SET_UP = "Set up";
    private static final String RETRY = "Retry";

    private Connector() {
    }

    /**
     * Returns a client whose service answers, has our token and fits this plugin.
     *
     * @throws ServiceException if there is none and nobody can be asked
     */
    static ServiceClient connect() {
        while (true) {
            ConnectionSettings settings = StoredSettings.load();
            try {
                ServiceClient client = connectOnce(settings);
                RunningNotice.tell(client);
                return client;
            } catch (ServiceException error) {
                boolean isAsking = !GraphicsEnvironment.isHeadless() && !Failures.isInMacro();
                if (!isAsking) {
                    throw error;
                }
                act(ask(error), settings);
            }
        }
    }

    /**
     * Looks once for a service that was there before; asks and starts nothing, so any thread may call it.
     *
     * @throws ServiceException if there is none
     */
    static ServiceClient reconnect() {
        return check(StoredSettings.load());
    }

    /** Opens a connection that is found again after a restart of the service. */
    static Connection open() {
        return new Connection(connect(), Connector::reconnect);
    }

    private static ServiceClient connectOnce(ConnectionSettings settings) {
        try {
            return check(settings);
        } catch (ServiceException error) {
            boolean canStart = settings.startsLocal() && settings.getServiceUrl().isEmpty()
                && error.getCode().equals(ServiceException.DOWN);
            if (!canStart) {
                throw error;
            }
            IJ.showStatus("DeepFLaSH: starting the service ...");
            ServiceLauncher.start(settings, StoredSettings.readInstallation().describeLoss());
            return check(settings);
        }
    }

    private static ServiceClient check(ConnectionSettings settings) {
        ServiceClient client = new HttpServiceClient(ServiceFinder.find(settings), settings.getTimeout());
        client.checkService();
        return client;
    }

    private static String ask(ServiceException error) {
        Failures.toSentence(error);
        GenericDialog dialog = new GenericDialog("DeepFLaSH");
        dialog.addMessage(Sentence.wrap(error.getMessage()));
        dialog.addMessage(Sentence.wrap("Tried: the address of DFL Set Up..., then the file "
            + StoredSettings.findHome().resolve("service.json") + "."));
        ChoiceButtons buttons = new ChoiceButtons(dialog, START, SET_UP, RETRY);
        dialog.hideCancelButton();
        dialog.setOKLabel("Close");
        dialog.showDialog();
        if (buttons.getChosen().isEmpty()) {
            throw Failures.cancel();
        }
        return buttons.getChosen();
    }

    private static void act(String choice, ConnectionSettings settings) {
        try {
            if (choice.equals(START)) {
                IJ.showStatus("DeepFLaSH: starting the service ...");
                ServiceLauncher.start(settings, StoredSettings.readInstallation().describeLoss());
                // From now on the service of this computer is meant, whatever address was tried before.
                StoredSettings.save(StoredSettings.loadChosen().ofThisComputer());
            } else if (choice.equals(SET_UP)) {
                SetUp.askAndStore();
            }
        } catch (ServiceException error) {
            IJ.showMessage("DeepFLaSH", Sentence.wrap(Failures.toSentence(error)));
        }
    }
}
