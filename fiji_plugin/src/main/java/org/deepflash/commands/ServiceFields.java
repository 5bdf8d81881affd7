package org.deepflash.commands;

import ij.gui.GenericDialog;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.deepflash.client.ServiceClient;
import org.deepflash.records.OptionField;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;

/**
 * The fields of a dialog that follow the service: an option that it gains appears here, is recorded and replayed
 * without a new plugin.
 */
final class ServiceFields {

    private static final int WIDTH = 90;

    private static final List<String> ORDER = Collections.unmodifiableList(Arrays.asList("preset", "epochs",
        "consensus", "channel", "pixel_size", "separation", "min_roi_size", "folds", "compare", "seed"));

    private final List<OptionField> fields;

    ServiceFields(OptionFields fields) {
        this.fields = fields.list().stream().sorted(Comparator.comparingInt(ServiceFields::rank))
            .collect(Collectors.toList());
    }

    /** What one thinks of first comes first; what a later service gains comes last. */
    private static int rank(OptionField field) {
        int place = ORDER.indexOf(field.getName());
        return place < 0 ? ORDER.size() : place;
    }

    /**
     * Asks for the options of a kind of job.
     *
     * @param own options for which the command has a field of its own, or none on purpose
     */
    static OptionFields load(ServiceClient client, String kind, Set<String> own) {
        return client.schemas().list(kind).without(own);
    }

    /** Asks the service only if a macro has keys that the command does not know by itself. */
    static OptionFields loadFor(OptionText options, Set<String> keys, String kind, Set<String> own) {
        return options.findUnknown(keys).isEmpty() ? OptionFields.NONE : load(Connector.connect(), kind, own);
    }

    /** Adds a field per option, and below them what they mean. */
    void addTo(GenericDialog dialog) {
        addTo(dialog, "");
    }

    /**
     * Adds a field per option, and below them what they and the fields above them mean.
     *
     * @param above the meaning of the fields above, empty if it is told elsewhere
     */
    void addTo(GenericDialog dialog, String above) {
        StringBuilder meanings = new StringBuilder(above);
        for (OptionField field : fields) {
            add(dialog, field);
            if (!field.getDescription().isEmpty()) {
                meanings.append(meanings.length() == 0 ? "" : "\n").append(
                    Sentence.wrap(field.getLabel().replace('_', ' ') + ": " + field.getDescription(), WIDTH));
            }
        }
        if (meanings.length() > 0) {
            dialog.addMessage(meanings.toString());
        }
    }

    private void add(GenericDialog dialog, OptionField field) {
        String usual = field.getUsual();
        if (field.getKind() == OptionField.Kind.BOX) {
            dialog.addCheckbox(field.getLabel(), usual.equals("true"));
        } else if (field.getKind() == OptionField.Kind.CHOICE) {
            String[] words = field.getChoices().toArray(new String[0]);
            dialog.addChoice(field.getLabel(), words, usual);
        } else {
            dialog.addStringField(field.getLabel(), usual, 8);
        }
    }

    /** Returns the options and what was filled in. */
    OptionText readFrom(GenericDialog dialog, OptionText options) {
        OptionText all = options;
        for (OptionField field : fields) {
            String value;
            if (field.getKind() == OptionField.Kind.BOX) {
                value = String.valueOf(dialog.getNextBoolean());
            } else if (field.getKind() == OptionField.Kind.CHOICE) {
                value = dialog.getNextChoice();
            } else {
                value = dialog.getNextString().trim();
            }
            all = all.with(field.getName(), value);
        }
        return all;
    }
}
