package org.deepflash.records;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * The words of a macro option string such as {@code model=Parv input=[C:/my images/] watershed}.
 *
 * <p>Keys are lower case; a key without a value is a ticked box. Values with blanks stand in brackets,
 * as the macro recorder writes them.
 */
public final class OptionText {

    private final Map<String, String> values;

    private OptionText(Map<String, String> values) {
        this.values = Collections.unmodifiableMap(values);
    }

    /**
     * Reads an option string.
     *
     * @param text the recorded string; null counts as empty
     * @throws InputException if a bracket is not closed
     */
    public static OptionText parse(String text) {
        Map<String, String> values = new LinkedHashMap<>();
        String source = text == null ? "" : text;
        int position = 0;
        while (true) {
            position = skipBlanks(source, position);
            if (position >= source.length()) {
                return new OptionText(values);
            }
            int end = position;
            while (end < source.length() && !isBlank(source, end) && source.charAt(end) != '=') {
                end++;
            }
            String key = source.substring(position, end).toLowerCase(Locale.ROOT);
            if (end < source.length() && source.charAt(end) == '=') {
                int stop = endOfValue(source, end + 1);
                values.put(key, unwrap(source.substring(end + 1, stop)));
                position = stop;
            } else {
                values.put(key, "true");
                position = end;
            }
        }
    }

    private static int endOfValue(String source, int start) {
        if (start < source.length() && source.charAt(start) == '[') {
            int close = source.indexOf(']', start);
            while (close >= 0 && close + 1 < source.length() && !isBlank(source, close + 1)) {
                close = source.indexOf(']', close + 1);
            }
            if (close < 0) {
                throw new InputException("The options end inside a bracket: " + source.substring(start)
                    + ". Close it with ].");
            }
            return close + 1;
        }
        int end = start;
        while (end < source.length() && !isBlank(source, end)) {
            end++;
        }
        return end;
    }

    private static String unwrap(String value) {
        boolean isWrapped = value.length() >= 2 && value.startsWith("[") && value.endsWith("]");
        return isWrapped ? value.substring(1, value.length() - 1) : value;
    }

    private static int skipBlanks(String source, int start) {
        int position = start;
        while (position < source.length() && isBlank(source, position)) {
            position++;
        }
        return position;
    }

    private static boolean isBlank(String source, int position) {
        return Character.isWhitespace(source.charAt(position));
    }

    /** Returns the value of the key without blanks around it, or the given default if it is absent or empty. */
    public String get(String key, String defaultValue) {
        String value = values.get(key);
        return value == null || value.trim().isEmpty() ? defaultValue : value.trim();
    }

    /**
     * Returns the value of a key that must be there.
     *
     * @throws InputException if it is absent or empty
     */
    public String need(String key) {
        String value = get(key, "");
        if (value.isEmpty()) {
            throw new InputException("The option " + key + " is missing. Add " + key + "=... to the options.");
        }
        return value;
    }

    /** Tells whether the key stands in the options, with or without a value (but for {@code =false} and {@code =0}). */
    public boolean has(String key) {
        String value = values.get(key);
        return value != null && !"false".equalsIgnoreCase(value) && !"0".equals(value);
    }

    /**
     * Returns a whole number.
     *
     * @throws InputException if the value is none, or larger than a number of Java
     */
    public int getInt(String key, int defaultValue) {
        String value = get(key, "");
        try {
            return value.isEmpty() ? defaultValue : Integer.parseInt(value);
        } catch (NumberFormatException error) {
            String fault = value.matches("[+-]?\\d+") ? " is too large a number" : " is no whole number";
            throw new InputException(key + "=" + value + fault + ". Write for example " + key + "=" + defaultValue
                + ".");
        }
    }

    /**
     * Refuses keys that a command does not know, so that a typing error never goes unnoticed.
     *
     * @throws InputException naming the unknown keys
     */
    public void allowOnly(Set<String> known) {
        List<String> unknown = findUnknown(known);
        if (!unknown.isEmpty()) {
            throw new InputException("Unknown option " + String.join(", ", unknown) + ". Known are "
                + String.join(", ", new TreeSet<>(known)) + ".");
        }
    }

    /** Returns the keys that are not among the known ones. */
    public List<String> findUnknown(Set<String> known) {
        List<String> unknown = new ArrayList<>(values.keySet());
        unknown.removeAll(known);
        return unknown;
    }

    /** Hands each key and its value to a receiver, in their order; the value of a ticked box is {@code true}. */
    public void forEach(BiConsumer<String, String> receiver) {
        values.forEach(receiver);
    }

    /** Returns these options and one more; a key that is there already is replaced. */
    public OptionText with(String key, String value) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.put(key, value);
        return new OptionText(changed);
    }

    /** Returns these options and others; keys that are there already are replaced. */
    public OptionText withAll(OptionText others) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.putAll(others.values);
        return new OptionText(changed);
    }

    /** Tells whether the key is written at all, even with an empty value. */
    public boolean names(String key) {
        return values.containsKey(key);
    }

    /** Returns these options but for one. */
    public OptionText without(String key) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.remove(key);
        return new OptionText(changed);
    }

    /** Writes one {@code key=value}, in brackets where needed. */
    public static String write(String key, String value) {
        boolean isPlain = !value.isEmpty() && value.indexOf(' ') < 0 && !value.startsWith("[");
        return key + "=" + (isPlain ? value : "[" + value + "]");
    }
}
