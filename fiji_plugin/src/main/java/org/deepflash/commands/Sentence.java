package org.deepflash.commands;

/** Breaks long sentences for dialogs, whose labels do not wrap by themselves. */
final class Sentence {

    private static final int WIDTH = 72;

    private Sentence() {
    }

    /** Returns the text with line breaks between words. */
    static String wrap(String text) {
        return wrap(text, WIDTH);
    }

    /** Returns the text with line breaks between words, so that lines have at most about that many letters. */
    static String wrap(String text, int width) {
        StringBuilder lines = new StringBuilder();
        int length = 0;
        for (String word : text.split(" ")) {
            if (length > 0 && length + word.length() >= width) {
                lines.append('\n');
                length = 0;
            } else if (length > 0) {
                lines.append(' ');
            }
            lines.append(word);
            length += word.length() + 1;
        }
        return lines.toString();
    }
}
