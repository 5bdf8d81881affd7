package org.deepflash.commands;

import ij.gui.GenericDialog;
import java.util.Set;
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

    private final OptionFields fields;

    ServiceFields(OptionFields fields) {
        this.fields = fields;
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
        StringBuilder meanings = new StringBuilder();
        for (OptionField field : fields.list()) {
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
        for (OptionField field : fields.list()) {
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
