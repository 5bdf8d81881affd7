package org.deepflash.records;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TrainSettingsTest {

    private static final String NEEDED = "model=m image_folder=a mask_folders=b ";

    private static Map<String, Object> read(String options) {
        return TrainSettings.fromOptions(OptionText.parse(NEEDED + options)).toOptions("data");
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
        assertEquals(4, values.get("folds"));
        assertEquals(true, values.get("compare"));
        assertThrows(InputException.class, () -> read("folds=-1"));
    }
}
