package org.deepflash.commands;

import ij.text.TextWindow;
import java.awt.Font;

/** A window with text whose columns stand below each other. */
final class TextPage {

    private static final int SIZE = 13;
    private static final int LINE = 21;
    private static final int FRAME = 120;

    private TextPage() {
    }

    /** Opens the window, high enough for what it tells where the screen allows it. */
    static void show(String title, String text) {
        int height = Math.max(320, Math.min(680, FRAME + LINE * text.split("\n").length));
        TextWindow window = new TextWindow(title, text, 900, height);
        window.getTextPanel().setFont(new Font(Font.MONOSPACED, Font.PLAIN, SIZE), true);
    }
}
