package org.deepflash.commands;

import ij.Prefs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deepflash.client.ModelClient;
import org.deepflash.fiji.Annotation;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.fiji.ModelTable;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.OptionText;

/** What {@code DFL Model Library...} does; each action gives a text. */
final class ModelActions {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(
        new HashSet<>(Arrays.asList("action", "model", "file", "new_name", "overwrite")));
    /** The words of {@code action}. */
    static final List<String> ACTIONS = Collections.unmodifiableList(
        Arrays.asList("list", "info", "use", "import", "export", "upload", "rename", "delete"));

    private final ModelClient client;
    private final OptionText options;

    ModelActions(ModelClient client, OptionText options) {
        this.client = client;
        this.options = options;
    }

    /**
     * Returns the action, before anybody is asked.
     *
     * @throws InputException naming an unknown key or action, or what the action lacks
     */
    static String check(OptionText options) {
        options.allowOnly(KEYS);
        String action = options.get("action", "list");
        switch (action) {
            case "list":
                return action;
            case "import":
            case "upload":
                options.need("file");
                return action;
            case "export":
                options.need("file");
                break;
            case "rename":
                options.need("new_name");
                break;
            default:
                if (!ACTIONS.contains(action)) {
                    throw new InputException("action=" + action + " is not known. Choose one of "
                        + String.join(", ", ACTIONS) + ".");
                }
        }
        options.need("model");
        return action;
    }

    /** Carries out the action and returns what came of it. */
    String carryOut() throws IOException {
        switch (check(options)) {
            case "list":
                return ModelTable.toText(client.list());
            case "info":
                return ModelTable.describe(find());
            case "use":
                ModelInfo used = find();
                Prefs.set(SegmentDialog.MODEL, used.getName());
                return "Model " + used.getName() + " is now the first choice of DFL Segment...";
            case "export":
                return export(find());
            case "rename":
                return rename();
            case "delete":
                return delete();
            default:
                // The service may be on another computer: importing a file and uploading it are the same.
                ModelInfo added = client.importPackage(read(), options.get("new_name", ""));
                return "Model " + reference(added) + " is in the library.";
        }
    }

    private byte[] read() throws IOException {
        Path file = Paths.get(options.need("file"));
        if (!Files.isRegularFile(file)) {
            throw new InputException("There is no model package " + file + ". Name a file that action=export wrote.");
        }
        return Files.readAllBytes(file);
    }

    private static String reference(ModelInfo model) {
        return model.getName() + "@" + model.getVersion();
    }

    private String plainName() {
        return options.need("model").replaceFirst("@\\d+$", "");
    }

    /** Returns the version that is meant, the newest if none is named. */
    private ModelInfo find() {
        List<ModelInfo> versions = client.listVersions(plainName());
        ModelInfo newest = versions.get(versions.size() - 1);
        String wanted = options.need("model");
        if (!wanted.contains("@")) {
            return newest;
        }
        for (ModelInfo version : versions) {
            if (reference(version).equals(wanted)) {
                return version;
            }
        }
        throw new InputException("There is no version " + wanted + "; the newest is " + reference(newest) + ".");
    }

    private String export(ModelInfo model) throws IOException {
        Path place = Paths.get(options.need("file"));
        String name = model.getName() + "-" + model.getVersion() + ".deepflash.zip";
        Path file = Files.isDirectory(place) ? place.resolve(name) : place;
        Annotation.refuseExisting(file, options.has("overwrite"));
        AtomicFiles.write(file, client.exportPackage(model.getName(), model.getVersion()));
        return "Model " + reference(model) + " is saved as " + file + ".";
    }

    private String rename() {
        String name = options.need("new_name");
        client.rename(plainName(), name);
        return "Model " + plainName() + " is now called " + name + ".";
    }

    private String delete() {
        boolean isOne = options.need("model").contains("@");
        List<ModelInfo> versions = isOne ? Collections.singletonList(find()) : client.listVersions(plainName());
        versions.forEach(version -> client.delete(version.getName(), version.getVersion()));
        return "Model " + options.need("model") + " is in the trash of the service.";
    }
}
