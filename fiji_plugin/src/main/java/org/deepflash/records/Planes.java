package org.deepflash.records;

import java.util.Locale;

/** Which planes of a stack are segmented. */
public enum Planes {
    /** The plane that is shown. */
    CURRENT("current"),
    /** Every slice and frame of the chosen channel. */
    ALL("all"),
    /** The brightest value of all slices, or of all frames if there is one slice. */
    MAX_PROJECTION("max projection");

    private final String word;

    Planes(String word) {
        this.word = word;
    }

    /** Returns the word of the macro key. */
    public String getWord() {
        return word;
    }

    /** Returns the words in the order of the dialog. */
    public static String[] words() {
        Planes[] all = values();
        String[] words = new String[all.length];
        for (int i = 0; i < all.length; i++) {
            words[i] = all[i].word;
        }
        return words;
    }

    /**
     * Returns the constant of a word.
     *
     * @throws InputException if there is none
     */
    public static Planes fromWord(String word) {
        for (Planes planes : values()) {
            if (planes.word.equals(word.toLowerCase(Locale.ROOT))) {
                return planes;
            }
        }
        throw new InputException("planes=" + word + " is not known. Use " + String.join(", ", words()) + ".");
    }
}
