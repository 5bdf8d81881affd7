package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deepflash.client.PairVerdict;
import org.deepflash.client.ServiceException;
import org.junit.jupiter.api.Test;

/** What the service refused finds its place among the verdicts on what it took. */
class PairTableTest {

    private static PairVerdict missing(String image, String expert, String file) {
        return new PairVerdict(image, expert, file).judged(PairVerdict.MISSING, "draw it");
    }

    private static PairVerdict refused(String file, String expert, String code) {
        return PairTable.refuse(file, expert, new ServiceException(code, "sentence on " + file));
    }

    private static List<String> rows(PairTable table) {
        List<String> rows = new ArrayList<>();
        table.getRows().forEach(row -> rows.add(String.join("|", row.getImage(), row.getExpert(), row.getFile(),
            row.getWord(), row.getAdvice())));
        return rows;
    }

    @Test
    void aRefusedAnnotationTakesTheRowOfItsImage() {
        PairTable table = new PairTable(Arrays.asList(missing("m_0001.tif", "a", ""), missing("m_0002.tif", "a", ""),
            missing("m_0002.tif", "b", "")), Collections.singletonList(refused("m_0002_cFOS.tif", "a",
            "shape_mismatch")));
        assertEquals(Arrays.asList("m_0001.tif|a||missing|draw it",
            "m_0002.tif|a|m_0002_cFOS.tif|size|sentence on m_0002_cFOS.tif", "m_0002.tif|b||missing|draw it"),
            rows(table));
        assertEquals("0 pairs fit, 3 problems", table.summarize());
    }

    @Test
    void aRefusedImageTakesTheRowsOfItsAnnotations() {
        PairTable table = new PairTable(Arrays.asList(new PairVerdict("1.tif", "a", "1.tif"),
            missing("", "a", "2.tif"), missing("", "b", "2_word.tif"), missing("", "b", "3.tif")),
            Collections.singletonList(refused("2.tif", "", "invalid_image")));
        assertEquals(Arrays.asList("1.tif|a|1.tif|fits|", "2.tif|a|2.tif|unreadable|sentence on 2.tif",
            "2.tif|b|2_word.tif|unreadable|sentence on 2.tif", "|b|3.tif|missing|draw it"), rows(table));
        assertEquals("1 pairs fit, 3 problems", table.summarize());
    }

    @Test
    void whatHasNoPlaceHasARowOfItsOwn() {
        PairTable table = new PairTable(Arrays.asList(missing("x_a.tif", "a", ""), missing("x_b.tif", "a", "")),
            Arrays.asList(refused("x_c.tif", "a", "invalid_annotation"), refused("9.tif", "", "invalid_image")));
        assertEquals(4, table.getRows().size());
        assertEquals("|a|x_c.tif|unreadable|sentence on x_c.tif", rows(table).get(2));
        assertEquals("9.tif|||unreadable|sentence on 9.tif", rows(table).get(3));
    }
}
