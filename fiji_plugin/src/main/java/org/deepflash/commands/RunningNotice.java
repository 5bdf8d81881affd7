package org.deepflash.commands;

import ij.IJ;
import ij.gui.MultiLineLabel;
import java.awt.BorderLayout;
import java.awt.Button;
import java.awt.Dialog;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.GraphicsEnvironment;
import java.awt.Panel;
import java.awt.Point;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import org.deepflash.client.Connection;
import org.deepflash.client.ServiceClient;
import org.deepflash.client.ServiceException;
import org.deepflash.records.Job;

/** Offers once per session to attach to a training that goes on, which an earlier Fiji may have started. */
final class RunningNotice {

    private static final int GAP = 12;
    private static final int BELOW = 80;

    private static boolean isDone;

    private RunningNotice() {
    }

    /** Says nothing in this session any more: the user knows. */
    static synchronized void skip() {
        isDone = true;
    }

    /** Tells of a training that is not finished, if this is the first command of the session. */
    static synchronized void tell(ServiceClient client) {
        if (isDone) {
            return;
        }
        isDone = true;
        try {
            for (Job job : client.listJobs()) {
                if (job.isTraining() && !job.isFinished()) {
                    IJ.log("Training " + job.getId() + " goes on: open DFL Training Monitor.");
                    boolean canAsk = !GraphicsEnvironment.isHeadless() && !Failures.isInMacro();
                    if (canAsk) {
                        // The command of the user goes on meanwhile.
                        EventQueue.invokeLater(() -> offer(client, job));
                    }
                    return;
                }
            }
        } catch (ServiceException error) {
            // The command itself will say what is wrong with the service.
            isDone = false;
        }
    }

    private static void offer(ServiceClient client, Job job) {
        Dialog dialog = new Dialog(IJ.getInstance(), "DeepFLaSH", false);
        dialog.setLayout(new BorderLayout(GAP, GAP));
        dialog.add(new MultiLineLabel(Sentence.wrap("The training of " + job.getModel() + " (" + job.getId()
            + ") goes on. Follow it here again?")), BorderLayout.CENTER);
        Button open = new Button("Open Training Monitor");
        open.addActionListener(event -> {
            dialog.dispose();
            Connection connection = new Connection(client, Connector::reconnect);
            new Thread(() -> MonitorWindow.open(connection, job), "deepflash-offer").start();
        });
        Button later = new Button("Not now");
        later.addActionListener(event -> dialog.dispose());
        Panel buttons = new Panel();
        buttons.add(open);
        buttons.add(later);
        dialog.add(buttons, BorderLayout.SOUTH);
        dialog.addWindowListener(new WindowAdapter() {
            @Override
            public void windowClosing(WindowEvent event) {
                dialog.dispose();
            }
        });
        dialog.pack();
        dialog.setLocation(place(dialog.getSize(), dialog.getToolkit().getScreenSize()));
        dialog.setVisible(true);
    }

    /** Returns a place at the lower edge: what the command of the user says, it says in the middle of the screen. */
    static Point place(Dimension size, Dimension screen) {
        return new Point(Math.max(0, (screen.width - size.width) / 2),
            Math.max(0, screen.height - size.height - BELOW));
    }
}
