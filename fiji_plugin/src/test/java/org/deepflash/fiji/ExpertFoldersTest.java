package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExpertFoldersTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void fill() throws IOException {
        for (String name : new String[] {"my anna/1.tif", "my anna/1_RoiSet.zip", "my anna/2.roi", "my anna/notes.txt",
            "my anna/.hidden.tif", "ben/1.png", "empty/readme.md"}) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, new byte[0]);
        }
    }

    private static String describe(Map<String, List<Path>> experts) {
        return experts.entrySet().stream().map(expert -> expert.getKey() + ":" + expert.getValue().stream()
            .map(path -> path.getFileName().toString()).collect(Collectors.joining(","))).collect(Collectors.joining(" "));
    }

    private static void fails(String text, String sentence) {
        String message = assertThrows(InputException.class, () -> ExpertFolders.find(text)).getMessage();
        assertTrue(message.contains(sentence), message);
    }

    @Test
    void expertsAreNamedOrAreTheFolders() {
        assertEquals("A:1.tif,2.roi B:1.png",
            describe(ExpertFolders.find("A=" + folder.resolve("my anna") + "; B=" + folder.resolve("ben"))));
        assertEquals("ben:1.png my anna:1.tif,2.roi", describe(ExpertFolders.find(folder.toString())));
        assertEquals("ben:1.png", describe(ExpertFolders.find(folder.resolve("ben").toString())));
    }

    @Test
    void outlinesCountWhereNoMaskLiesBesideThem() throws IOException {
        for (String name : new String[] {"cleo/1.geojson", "cleo/2.GeoJSON", "cleo/2.tif", "cleo/3.roi", "cleo/3.geojson"}) {
            Files.createDirectories(folder.resolve("cleo"));
            Files.write(folder.resolve(name), new byte[0]);
        }
        assertEquals("cleo:1.geojson,2.tif,3.geojson,3.roi", describe(ExpertFolders.find("cleo=" + folder.resolve("cleo"))));
    }

    @Test
    void whatIsWrongIsNamed() {
        fails("", "No folder with annotations");
        fails("A=" + folder.resolve("nope"), "There is no folder");
        fails("A=" + folder.resolve("empty"), "of expert A holds no mask");
        fails("A=" + folder.resolve("ben") + ";A=" + folder.resolve("ben"), "Two folders are named for the expert A");
    }
}
