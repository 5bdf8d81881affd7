package org.deepflash.commands;

import ij.gui.GenericDialog;
import java.awt.Button;
import java.awt.FlowLayout;
import java.awt.Panel;

/** A row of buttons in a dialog, each of which closes it. */
final class ChoiceButtons {

    private String chosen = "";

    /** Adds the buttons to the dialog. */
    ChoiceButtons(GenericDialog dialog, String... labels) {
        Panel row = new Panel(new FlowLayout(FlowLayout.CENTER, 8, 4));
        for (String label : labels) {
            Button button = new Button(label);
            button.addActionListener(event -> {
                chosen = label;
                dialog.dispose();
            });
            row.add(button);
        }
        dialog.addPanel(row);
    }

    /** Returns the label of the pressed button, empty if the dialog was closed otherwise. */
    String getChosen() {
        return chosen;
    }
}
