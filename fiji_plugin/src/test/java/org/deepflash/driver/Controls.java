package org.deepflash.driver;

import ij.IJ;
import ij.measure.ResultsTable;
import java.awt.Button;
import java.awt.Choice;
import java.awt.Component;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.awt.event.ItemEvent;
import java.awt.event.KeyEvent;
import java.awt.event.WindowEvent;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** Works what stands in windows that stay open: buttons, choices, the closing cross, the Escape key. */
final class Controls {

    private Controls() {
    }

    static String obey(String word, String rest) throws Exception {
        switch (word) {
            case "buttons":
                return buttons(Screen.awaitWindow(rest)).stream()
                    .map(button -> button.getLabel() + "=" + button.isEnabled()).collect(Collectors.joining("\n"));
            case "click":
                String[] places = rest.split("\\|");
                click(Screen.awaitWindow(places[0]), places[1]);
                return "";
            case "choose":
                int blank = rest.indexOf(' ');
                choose(Screen.awaitDialog(), Integer.parseInt(rest.substring(0, blank)), rest.substring(blank + 1));
                return "";
            case "close":
                Window window = Screen.awaitWindow(rest);
                EventQueue.invokeAndWait(() -> window.dispatchEvent(
                    new WindowEvent(window, WindowEvent.WINDOW_CLOSING)));
                return "";
            case "escapeafter":
                pressEscape(Long.parseLong(rest));
                return "";
            case "escapewhen":
                pressEscapeWhen(new File(rest));
                return "";
            case "rows":
                return rows(ResultsTable.getResultsTable(rest));
            default:
                return Form.obey(word, rest);
        }
    }

    private static List<Button> buttons(Window window) {
        List<Button> buttons = new ArrayList<>();
        for (Component part : Screen.parts(window)) {
            if (part instanceof Button) {
                buttons.add((Button) part);
            }
        }
        return buttons;
    }

    private static void click(Window window, String label) {
        for (Button button : buttons(window)) {
            if (button.getLabel().equals(label)) {
                if (!button.isEnabled()) {
                    throw new IllegalStateException(label + " is grey");
                }
                EventQueue.invokeLater(() -> button.dispatchEvent(
                    new ActionEvent(button, ActionEvent.ACTION_PERFORMED, label)));
                return;
            }
        }
        throw new IllegalStateException("no button " + label);
    }

    private static void choose(Dialog dialog, int index, String item) {
        List<Choice> choices = new ArrayList<>();
        for (Component part : Screen.parts(dialog)) {
            if (part instanceof Choice) {
                choices.add((Choice) part);
            }
        }
        Choice choice = choices.get(index);
        choice.select(item);
        choice.dispatchEvent(new ItemEvent(choice, ItemEvent.ITEM_STATE_CHANGED, item, ItemEvent.SELECTED));
    }

    /** The key works through ImageJ's own handler, as if its main window had the keyboard. */
    private static void pressEscape(long milliseconds) {
        Thread thread = new Thread(() -> {
            IJ.wait((int) milliseconds);
            KeyEvent key = new KeyEvent(IJ.getInstance(), KeyEvent.KEY_PRESSED, System.currentTimeMillis(), 0,
                KeyEvent.VK_ESCAPE, KeyEvent.CHAR_UNDEFINED);
            EventQueue.invokeLater(() -> IJ.getInstance().keyPressed(key));
        }, "escape");
        thread.setDaemon(true);
        thread.start();
    }

    /** Presses Escape as soon as a file is there. */
    private static void pressEscapeWhen(File sign) {
        Thread thread = new Thread(() -> {
            while (!sign.exists()) {
                LockSupport.parkNanos(20_000_000L);
            }
            pressEscape(0);
        }, "sign");
        thread.setDaemon(true);
        thread.start();
    }

    private static String rows(ResultsTable table) {
        if (table == null) {
            return "";
        }
        StringBuilder text = new StringBuilder(table.getColumnHeadings());
        for (int row = 0; row < table.size(); row++) {
            text.append('\n').append(table.getRowAsString(row));
        }
        return text.toString();
    }
}
