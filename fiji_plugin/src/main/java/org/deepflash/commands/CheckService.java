package org.deepflash.commands;

import ij.IJ;
import ij.ImageJ;
import ij.Macro;
import ij.plugin.PlugIn;
import java.awt.GraphicsEnvironment;
import java.util.Collections;
import java.util.List;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;
import org.deepflash.records.PluginVersion;
import org.deepflash.records.ServiceInfo;

/** {@code DFL Check Service}: a report that can be pasted into a mail. It names no token. */
public final class CheckService implements PlugIn {

    @Override
    public void run(String argument) {
        try {
            OptionText.parse(Macro.getOptions()).allowOnly(Collections.<String>emptySet());
            String report = makeReport(Connector.connect());
            if (GraphicsEnvironment.isHeadless() || Failures.isInMacro()) {
                IJ.log(report);
            } else {
                TextPage.show("DeepFLaSH Service", report);
            }
        } catch (RuntimeException error) {
            throw Macro.MACRO_CANCELED.equals(error.getMessage()) ? error : Failures.end(error);
        }
    }

    /** Returns what the service tells about itself as JSON. */
    public static String health() {
        return Connector.connect().checkService().getJson();
    }

    private static String makeReport(ServiceClient client) {
        ServiceInfo info = client.checkService();
        StringBuilder report = new StringBuilder();
        line(report, "Service", "DeepFLaSH " + info.getVersion() + " at " + client.getUrl());
        line(report, "Plugin", PluginVersion.get() + ", interface " + PluginVersion.API);
        line(report, "ImageJ", ImageJ.VERSION + ", Java " + System.getProperty("java.version") + ", "
            + System.getProperty("os.name"));
        line(report, "Home folder", StoredSettings.findHome().toString());
        info.getFacts().forEach((name, value) -> line(report, name, value));
        List<ModelInfo> models = client.listModels();
        line(report, "Models", models.isEmpty() ? "none yet" : "");
        for (ModelInfo model : models) {
            report.append("    ").append(model.getName()).append('@').append(model.getVersion())
                .append(": ").append(model.getTarget()).append(", threshold ").append(model.getThreshold())
                .append(", minimum ROI size ").append(model.getMinRoiSize()).append(" px\n");
        }
        return report.toString();
    }

    private static void line(StringBuilder report, String name, String value) {
        report.append(name).append(": ").append(value).append('\n');
    }
}
