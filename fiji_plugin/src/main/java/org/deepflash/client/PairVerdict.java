package org.deepflash.client;

/** What is to say about one annotation of one image; agreement is that of all experts of the image. */
public final class PairVerdict {

    /** The word of a pair that needs nothing. */
    public static final String FITS = "fits";
    /** The word of an image without annotation, and of an annotation without image. */
    public static final String MISSING = "missing";

    private final String image;
    private final String expert;
    private final String file;
    private String word = FITS;
    private String advice = "";
    private double rois = Double.NaN;
    private double f1 = Double.NaN;
    private double jaccard = Double.NaN;

    /**
     * @param image name of the image, empty for an annotation that fits none
     * @param expert empty if the image itself is meant
     * @param file name of the annotation, empty if there is none
     */
    public PairVerdict(String image, String expert, String file) {
        this.image = image;
        this.expert = expert;
        this.file = file;
    }

    /** Returns this verdict with its word and with cause and remedy. */
    public PairVerdict judged(String verdict, String causeAndRemedy) {
        word = verdict;
        advice = causeAndRemedy;
        return this;
    }

    PairVerdict scored(double count, double meanF1, double meanJaccard) {
        rois = count;
        f1 = meanF1;
        jaccard = meanJaccard;
        return this;
    }

    /** Returns the name of the image, or an empty text. */
    public String getImage() {
        return image;
    }

    /** Returns the expert, or an empty text. */
    public String getExpert() {
        return expert;
    }

    /** Returns the name of the annotation, or an empty text. */
    public String getFile() {
        return file;
    }

    /** Returns the verdict in a word. */
    public String getWord() {
        return word;
    }

    /** Returns cause and remedy; empty if the pair fits. */
    public String getAdvice() {
        return advice;
    }

    /** Returns the number of ROIs, NaN if the annotation could not be read. */
    public double getRois() {
        return rois;
    }

    /** Returns the mean F1 of the experts of the image, NaN for one expert. */
    public double getF1() {
        return f1;
    }

    /** Returns the mean pixel Jaccard of the experts of the image, NaN for one expert. */
    public double getJaccard() {
        return jaccard;
    }
}
