package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.Prefs;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GroupsTest {

    private final PrintStream console = System.out;
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @BeforeEach
    void listen() {
        Prefs.set("deepflash.experts", "");
        System.setOut(new PrintStream(said, true));
    }

    @AfterEach
    void stop() {
        System.setOut(console);
        Prefs.set("deepflash.experts", "");
    }

    @Test
    void aGroupThatTwoShareIsToldOnce() {
        for (int i = 1; i <= 255; i++) {
            assertEquals(i, Groups.ofExpert("e" + i));
        }
        assertEquals("", said.toString());
        assertEquals(1, Groups.ofExpert("late"));
        assertTrue(said.toString().contains("late is number 256 of the experts: it has group and colour of e1."),
            said.toString());
        said.reset();
        assertEquals(1, Groups.ofExpert("late"));
        assertEquals("", said.toString());
    }
}
