package org.deepflash.client;

/** The service did not do what was asked; the message is the sentence for the user. */
public final class ServiceException extends RuntimeException {

    /** Nobody answers at the address. */
    public static final String DOWN = "down";
    /** The token is wrong. */
    public static final String TOKEN = "unauthorized";
    /** Plugin and service do not fit together. */
    public static final String VERSION = "version_mismatch";
    /** No answer or progress in time. */
    public static final String SILENCE = "silence";
    /** The service failed. */
    public static final String FAULT = "fault";
    /** The user cancelled. */
    public static final String CANCELLED = "cancelled";

    /** A training ended in the middle and can be resumed. */
    public static final String INTERRUPTED = "interrupted";

    private static final long serialVersionUID = 1L;

    private final String code;
    private final String fault;

    /**
     * @param code one of the constants, or the code of the service's answer
     * @param sentence what is wrong and what to do
     */
    public ServiceException(String code, String sentence) {
        this(code, sentence, "");
    }

    /** @param fault what is wrong with a file, in a word of the service, or an empty text */
    ServiceException(String code, String sentence, String fault) {
        super(sentence);
        this.code = code;
        this.fault = fault;
    }

    /** Returns the stable code. */
    public String getCode() {
        return code;
    }

    /** Returns what is wrong with a refused file, such as {@code not binary}; empty if the service told no word. */
    public String getFault() {
        return fault;
    }
}
