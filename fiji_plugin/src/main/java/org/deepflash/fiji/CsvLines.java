package org.deepflash.fiji;

import java.util.ArrayList;
import java.util.List;

/** Comma-separated text with quotes as of RFC 4180. */
final class CsvLines {

    private CsvLines() {
    }

    /** Splits the text into rows of fields; empty lines are left out. */
    static List<List<String>> parse(String text) {
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean isQuoted = false;
        for (int i = 0; i < text.length(); i++) {
            char sign = text.charAt(i);
            if (isQuoted) {
                boolean isDouble = sign == '"' && i + 1 < text.length() && text.charAt(i + 1) == '"';
                if (isDouble) {
                    field.append('"');
                    i++;
                } else if (sign == '"') {
                    isQuoted = false;
                } else {
                    field.append(sign);
                }
            } else if (sign == '"') {
                isQuoted = true;
            } else if (sign == ',') {
                row.add(take(field));
            } else if (sign == '\n') {
                row.add(take(field));
                keep(rows, row);
                row = new ArrayList<>();
            } else if (sign != '\r' && sign != '\uFEFF') {
                field.append(sign);
            }
        }
        row.add(take(field));
        keep(rows, row);
        return rows;
    }

    private static String take(StringBuilder field) {
        String text = field.toString();
        field.setLength(0);
        return text;
    }

    private static void keep(List<List<String>> rows, List<String> row) {
        boolean isEmpty = row.size() == 1 && row.get(0).isEmpty();
        if (!isEmpty) {
            rows.add(row);
        }
    }
}
