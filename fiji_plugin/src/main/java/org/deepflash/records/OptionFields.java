package org.deepflash.records;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Options of the service for which no command has a field of its own. */
public final class OptionFields {

    /** No field. */
    public static final OptionFields NONE = new OptionFields(Collections.<OptionField>emptyList());

    private final List<OptionField> fields;

    /** @param fields in the order of the dialog */
    public OptionFields(List<OptionField> fields) {
        this.fields = Collections.unmodifiableList(new ArrayList<>(fields));
    }

    /** Returns the fields but for those of the names. */
    public OptionFields without(Set<String> names) {
        List<OptionField> left = new ArrayList<>(fields);
        left.removeIf(field -> names.contains(field.getName()));
        return new OptionFields(left);
    }

    /** Returns the fields in the order of the dialog. */
    public List<OptionField> list() {
        return fields;
    }

    /** Returns these keys and those of the fields. */
    public Set<String> addTo(Set<String> keys) {
        Set<String> all = new LinkedHashSet<>(new TreeSet<>(keys));
        fields.forEach(field -> all.add(field.getName()));
        return all;
    }

    /**
     * Reads what was given; what is left open is left to the service.
     *
     * @return name to Boolean, Long, Double or String
     * @throws InputException if the service would not take a value
     */
    public Map<String, Object> read(OptionText options) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (OptionField field : fields) {
            Object value = field.read(options);
            if (value != null) {
                values.put(field.getName(), value);
            }
        }
        return Collections.unmodifiableMap(values);
    }
}
