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

    /**
     * @param code one of the constants, or the code of the service's answer
     * @param sentence what is wrong and what to do
     */
    public ServiceException(String code, String sentence) {
        super(sentence);
        this.code = code;
    }

    /** Returns the stable code. */
    public String getCode() {
        return code;
    }
}
