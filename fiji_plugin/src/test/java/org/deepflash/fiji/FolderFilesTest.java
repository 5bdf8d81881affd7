package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderFilesTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void write() throws IOException {
        for (String name : new String[] {"b_c1.tif", "B_C2.TIF", "a.png", "notes.txt", "b_c1_mask.tif",
            "b_c1-m_labels.tif", "day 2/c_c1.tif", "day 2/out/c_c1_labels.tif", ".hidden/d.tif", "out/b_c1_labels.tif"}) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.createFile(file);
        }
    }

    private String list(String filter, boolean isRecursive, Path output, String suffix) {
        return FolderFiles.list(folder, filter, isRecursive, output, suffix).stream()
            .map(file -> folder.relativize(file).toString()).collect(Collectors.joining(" "));
    }

    @Test
    void resultsOfEarlierRunsAreNoImages() {
        assertEquals("B_C2.TIF a.png b_c1-m_labels.tif b_c1.tif", list("", false, folder, ""));
        assertEquals("B_C2.TIF a.png b_c1.tif b_c1_mask.tif", list("", false, folder, "-m"));
        assertEquals("B_C2.TIF a.png b_c1-m_labels.tif b_c1.tif b_c1_mask.tif",
            list("", false, folder.resolve("out"), ""));
    }

    @Test
    void innerFoldersAreReadButForThatOfTheResults() {
        assertEquals("b_c1.tif b_c1_mask.tif day 2/c_c1.tif day 2/out/c_c1_labels.tif",
            list("_c1", true, folder.resolve("out"), "").replace("b_c1-m_labels.tif ", ""));
        assertTrue(list("", true, folder.resolve("elsewhere/../../else"), "").contains("out/b_c1_labels.tif"));
    }

    @Test
    void patternsMeanTheWholeName() {
        assertEquals("B_C2.TIF b_c1.tif", list("?_c?.tif", false, folder.resolve("out"), ""));
        assertEquals("a.png", list("*.png", false, folder, ""));
        assertEquals("B_C2.TIF", list("c2", false, folder, ""));
    }

    @Test
    void nothingFoundIsASentence() {
        assertTrue(fault("*.dcm").contains("has a name like *.dcm"), fault("*.dcm"));
        assertTrue(fault("b.c1").contains("None of the 4 images"), fault("b.c1"));
    }

    private String fault(String filter) {
        return assertThrows(InputException.class, () -> list(filter, false, folder, "")).getMessage();
    }
}
