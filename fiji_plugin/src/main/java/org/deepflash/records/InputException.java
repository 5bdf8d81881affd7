package org.deepflash.records;

/** What the user gave cannot be used; the message is one sentence that names cause and remedy. */
public final class InputException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param sentence what is wrong and what to do */
    public InputException(String sentence) {
        super(sentence);
    }
}
