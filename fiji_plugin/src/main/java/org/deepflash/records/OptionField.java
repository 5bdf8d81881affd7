package org.deepflash.records;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** One option of the service, as its JSON schema describes it; dialogs and macro keys are made from it. */
public final class OptionField {

    /** What is filled in. */
    public enum Kind { NUMBER, WHOLE, BOX, CHOICE, TEXT }

    /** The words of an option that is on unless it is said otherwise. */
    public static final List<String> YES_OR_NO = Collections.unmodifiableList(Arrays.asList("true", "false"));

    private final String name;
    private final Kind kind;
    private String usual = "";
    private String description = "";
    private boolean isNullable;
    private double lowest = Double.NEGATIVE_INFINITY;
    private double highest = Double.POSITIVE_INFINITY;
    private boolean isLowestIncluded = true;
    private List<String> choices = Collections.emptyList();

    /** @param name as of the service; it is the macro key too */
    public OptionField(String name, Kind kind) {
        this.name = name;
        this.kind = kind;
    }

    /** Returns this field with the value that the service takes when nothing is said. */
    public OptionField usual(String value) {
        usual = value;
        return this;
    }

    /** Returns this field with a few words on what it means. */
    public OptionField describedAs(String text) {
        description = text;
        return this;
    }

    /** Returns this field as one that may be left open. */
    public OptionField nullable(boolean value) {
        isNullable = value;
        return this;
    }

    /** Returns this field with its smallest and largest value. */
    public OptionField between(double smallest, double largest, boolean isSmallestIncluded) {
        lowest = smallest;
        highest = largest;
        isLowestIncluded = isSmallestIncluded;
        return this;
    }

    /** Returns this field with the words to choose from. */
    public OptionField oneOf(List<String> words) {
        choices = Collections.unmodifiableList(new ArrayList<>(words));
        return this;
    }

    /**
     * Reads what a user or a macro wrote.
     *
     * @return Boolean, Long, Double or String; null if it is left open
     * @throws InputException if the service would not take it
     */
    public Object read(OptionText options) {
        if (kind == Kind.BOX) {
            return options.has(name) ? Boolean.TRUE : null;
        }
        String text = options.get(name, "");
        if (text.isEmpty()) {
            return null;
        }
        if (kind == Kind.TEXT) {
            return text;
        }
        return kind == Kind.CHOICE ? readWord(text) : readNumber(text);
    }

    private Object readWord(String text) {
        if (!choices.contains(text)) {
            throw new InputException(name + "=" + text + " is not known. Choose one of " + String.join(", ", choices)
                + ".");
        }
        return choices.equals(YES_OR_NO) ? (Object) Boolean.valueOf(text) : text;
    }

    private Object readNumber(String text) {
        double value;
        try {
            value = kind == Kind.WHOLE ? Long.parseLong(text) : Double.parseDouble(text);
        } catch (NumberFormatException error) {
            throw new InputException(name + "=" + text + " is no " + (kind == Kind.WHOLE ? "whole " : "")
                + "number. Leave it empty, or write for example " + name + "=" + example() + ".");
        }
        boolean isLargeEnough = isLowestIncluded ? value >= lowest : value > lowest;
        boolean isOpen = value == 0 && !isLargeEnough && isNullable;
        if (isOpen) {
            return null;
        }
        if (!isLargeEnough || !(value <= highest)) {
            throw new InputException(name + "=" + text + " cannot be used. Give a number " + range() + ".");
        }
        return kind == Kind.WHOLE ? (Object) Long.valueOf((long) value) : Double.valueOf(value);
    }

    private String example() {
        return plain(lowest > 0 ? Math.ceil(lowest) : Math.min(1, highest));
    }

    private String range() {
        String from = Double.isInfinite(lowest) ? "" : (isLowestIncluded ? "from " : "above ") + plain(lowest);
        String to = Double.isInfinite(highest) ? "" : "up to " + plain(highest);
        return (from + " " + to).trim();
    }

    private static String plain(double value) {
        return value == Math.rint(value) ? String.format(Locale.ROOT, "%.0f", value) : String.valueOf(value);
    }

    /** Returns the name, which is the macro key. */
    public String getName() {
        return name;
    }

    /** Returns the label of the dialog; its first word, in lower case, is the name again. */
    public String getLabel() {
        String label = name.replaceAll("(?<![a-z])roi(?![a-z])", "ROI");
        return label.substring(0, 1).toUpperCase(Locale.ROOT) + label.substring(1);
    }

    /** Returns what is filled in. */
    public Kind getKind() {
        return kind;
    }

    /** Returns the value that the service takes when nothing is said; empty if it finds one by itself. */
    public String getUsual() {
        return usual;
    }

    /** Returns a few words on what it means, or an empty text. */
    public String getDescription() {
        return description;
    }

    /** Returns the words to choose from. */
    public List<String> getChoices() {
        return choices;
    }
}
