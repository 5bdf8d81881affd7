package org.deepflash.records;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Map;
import org.deepflash.records.OptionField.Kind;
import org.junit.jupiter.api.Test;

class TrainSettingsTest {

    private static final String NEEDED = "model=m image_folder=a mask_folders=b ";

    private static final OptionFields FIELDS = new OptionFields(Arrays.asList(
        whole("epochs", 1), whole("folds", 2), whole("channel", 1), whole("min_roi_size", 0),
        new OptionField("compare", Kind.BOX)));

    private static OptionField whole(String name, int lowest) {
        return new OptionField(name, Kind.WHOLE).nullable(true).between(lowest, 10_000, true);
    }

    private static Map<String, Object> read(String options) {
        return TrainSettings.fromOptions(OptionText.parse(NEEDED + options), FIELDS).toOptions("data");
    }

    @Test
    void whatIsLeftOpenIsLeftToTheService() {
        Map<String, Object> values = read("epochs=0 folds=0 channel=0");
        for (String key : new String[] {"epochs", "folds", "channel", "compare", "min_roi_size"}) {
            assertFalse(values.containsKey(key), key);
        }
    }

    @Test
    void foldsAndComparisonAreSent() {
        Map<String, Object> values = read("folds=4 compare");
        assertEquals(4L, values.get("folds"));
        assertEquals(true, values.get("compare"));
        assertThrows(InputException.class, () -> read("folds=-1"));
        assertThrows(InputException.class, () -> read("folds=1"));
        assertThrows(InputException.class, () -> read("fold=4"));
    }
}
