package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnnotationQueueTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void fill() throws IOException {
        for (String name : new String[] {"a.tif", "b.tif", "c.png", "c.tif", "d.tif", "e.tif", "notes.txt"}) {
            Files.write(folder.resolve(name), new byte[0]);
        }
    }

    private AnnotationQueue read(Long seed) {
        return AnnotationQueue.read(folder, folder.resolve("anna"), seed);
    }

    private static String names(AnnotationQueue queue) {
        return queue.getOrder().stream().map(path -> path.getFileName().toString()).collect(Collectors.joining(" "));
    }

    private void save(String name) throws IOException {
        Files.createDirectories(folder.resolve("anna").resolve(name).getParent());
        Files.write(folder.resolve("anna").resolve(name), new byte[0]);
    }

    @Test
    void theSeedGivesTheSameOrderEverywhere() {
        assertEquals("a.tif b.tif c.png d.tif e.tif", names(read(null)));
        assertEquals("e.tif c.png b.tif d.tif a.tif", names(read(0L)));
        assertEquals(names(read(0L)), names(read(0L)));
        assertNotEquals(names(read(0L)), names(read(1L)));
    }

    @Test
    void whatIsAnnotatedIsPassedOverAndTheSearchBeginsAgainAtTheEnd() throws IOException {
        save("b.tif");
        save("d_RoiSet.zip");
        save(".drafts/e_RoiSet.zip");
        AnnotationQueue queue = read(null);
        assertEquals(2, queue.countDone());
        List<Path> order = queue.getOrder();
        assertEquals(order.get(0), queue.findNext(null));
        assertEquals(order.get(2), queue.findNext(order.get(0)));
        assertEquals(order.get(0), queue.findNext(order.get(4)));
        assertEquals(order.get(1), queue.findPrevious(order.get(2)));
        assertNull(queue.findPrevious(order.get(0)));
        assertEquals(order.get(4), queue.findDraft());
        for (String name : new String[] {"a.tif", "c.tif"}) {
            save(name);
        }
        assertNull(queue.findNext(order.get(4)));
    }

    @Test
    void aStackIsAnnotatedWhenOneOfItsPlanesIs() throws IOException {
        for (String name : new String[] {"a-t001-z003.json", "b-t001-z003.tif", "d-t001-z012_RoiSet.zip",
            "e-later.tif", "ee-t001-z001.tif"}) {
            save(name);
        }
        AnnotationQueue queue = read(null);
        List<Boolean> done = queue.getOrder().stream().map(queue::isDone).collect(Collectors.toList());
        assertEquals(Arrays.asList(false, true, false, true, false), done);
    }

    @Test
    void anImageThatIsNamedLikeAPlaneIsNoPlane() throws IOException {
        Files.write(folder.resolve("a-t001-z003.tif"), new byte[0]);
        save("a-t001-z003_RoiSet.zip");
        AnnotationQueue queue = read(null);
        assertEquals(Collections.singletonList("a-t001-z003.tif"), queue.getOrder().stream().filter(queue::isDone)
            .map(image -> image.getFileName().toString()).collect(Collectors.toList()));
    }

    @Test
    void aFolderWithoutImagesIsRefused() {
        assertThrows(InputException.class, () -> AnnotationQueue.read(folder.resolve("no"), folder, null));
    }
}
