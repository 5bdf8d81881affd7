package org.deepflash.commands;

import ij.gui.GenericDialog;

/** Asks once before something is lost. */
final class Question {

    private Question() {
    }

    /** Returns whether the person said yes; closing the window says no. Not for the event thread. */
    static boolean ask(String sentence, String yes, String no) {
        GenericDialog dialog = new GenericDialog("DeepFLaSH");
        dialog.addMessage(Sentence.wrap(sentence));
        dialog.setOKLabel(yes);
        dialog.setCancelLabel(no);
        dialog.showDialog();
        return dialog.wasOKed();
    }
}
