package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.awt.Dimension;
import java.awt.Point;
import java.awt.Rectangle;
import org.junit.jupiter.api.Test;

class RunningNoticeTest {

    @Test
    void theMessageOfTheCommandDoesNotCoverTheNotice() {
        Dimension size = new Dimension(440, 110);
        Rectangle notice = new Rectangle(RunningNotice.place(size, new Dimension(1280, 800)), size);
        assertFalse(notice.intersects(new Rectangle(340, 290, 600, 220)));
        assertEquals(new Point(0, 0), RunningNotice.place(size, new Dimension(300, 150)));
    }
}
