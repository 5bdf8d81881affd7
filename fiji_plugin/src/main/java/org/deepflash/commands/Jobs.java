package org.deepflash.commands;

import ij.IJ;
import ij.Macro;
import ij.gui.GenericDialog;
import ij.plugin.PlugIn;
import java.awt.Choice;
import java.awt.GraphicsEnvironment;
import java.awt.Label;
import java.util.List;
import org.deepflash.client.ServiceClient;
import org.deepflash.fiji.JobTable;
import org.deepflash.records.Job;
import org.deepflash.records.OptionText;

/** {@code DFL Jobs...}: what the service does and did; stops, cancels and resumes. */
public final class Jobs implements PlugIn {

    @Override
    public void run(String argument) {
        try {
            String options = Macro.getOptions();
            if (options == null && !GraphicsEnvironment.isHeadless()) {
                runWithDialog();
            } else {
                OptionText given = OptionText.parse(options);
                String action = JobActions.checkAction(given);
                ServiceClient client = Connector.connect();
                String text = new JobActions(client, given).carryOut();
                boolean isTableEnough = action.equals("list") && !GraphicsEnvironment.isHeadless();
                if (!isTableEnough) {
                    IJ.log(text);
                }
                JobTable.show(client.listJobs());
            }
        } catch (RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? error : Failures.end(error);
        }
    }

    /** Does the same for scripts, and returns the text. */
    public static String act(OptionText options) {
        JobActions.checkAction(options);
        return new JobActions(Connector.connect(), options).carryOut();
    }

    private static void runWithDialog() {
        ServiceClient client = Connector.connect();
        List<Job> jobs = client.listJobs();
        JobTable.show(jobs);
        OptionText options = ask(jobs);
        String action = JobActions.checkAction(options);
        JobActions actions = new JobActions(client, options);
        if (action.equals("cancel") && !Question.ask("Cancel job " + actions.findToCancel()
                + " and discard its results? This cannot be undone.", "Discard", "Keep the job")) {
            throw Failures.cancel();
        }
        String text = actions.carryOut();
        JobTable.show(client.listJobs());
        if (JobActions.isLong(action)) {
            TextPage.show("DeepFLaSH Job", text);
        } else if (!action.equals("list")) {
            IJ.log("DeepFLaSH: " + text);
            IJ.showStatus(text);
        }
    }

    private static OptionText ask(List<Job> jobs) {
        String[] ids = new String[jobs.size() + 1];
        ids[0] = JobActions.LATEST;
        for (int i = 0; i < jobs.size(); i++) {
            ids[i + 1] = jobs.get(i).getId();
        }
        GenericDialog dialog = new GenericDialog("DFL Jobs");
        dialog.addChoice("Action", JobActions.ACTIONS.toArray(new String[0]), JobActions.ACTIONS.get(0));
        dialog.addChoice("Job", ids, ids[0]);
        Choice choice = (Choice) dialog.getChoices().get(1);
        dialog.addMessage(describe(jobs, 0));
        Label label = (Label) dialog.getMessage();
        choice.addItemListener(event -> label.setText(describe(jobs, choice.getSelectedIndex())));
        dialog.addMessage("stop keeps the best result of a training, cancel discards,\n"
            + "resume goes on with a training that was stopped or interrupted.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        String action = dialog.getNextChoice();
        return OptionText.parse("").with("action", action).with("job", dialog.getNextChoice());
    }

    private static String describe(List<Job> jobs, int index) {
        if (jobs.isEmpty()) {
            return "The service has no job yet.";
        }
        if (index == 0) {
            return "latest: the newest job to which the action applies" + pad("");
        }
        Job job = jobs.get(index - 1);
        return pad(job.getKind() + " " + job.getModel() + ", " + job.getState() + ", "
            + JobTable.toMinutes(job.getCreated()));
    }

    private static String pad(String text) {
        StringBuilder padded = new StringBuilder(text);
        while (padded.length() < 24) {
            padded.append(' ');
        }
        return padded.toString();
    }
}
