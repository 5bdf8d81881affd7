package org.deepflash.driver;

import ij.text.TextPanel;
import java.awt.Button;
import java.awt.Checkbox;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dialog;
import java.awt.Frame;
import java.awt.Label;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.TextComponent;
import java.awt.Toolkit;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.io.File;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/** Looks at the windows on the screen and works their buttons and fields. */
final class Screen {

    private static final long LIMIT_MS = 60_000;

    private Screen() {
    }

    static String obey(String word, String rest) throws Exception {
        switch (word) {
            case "dialog":
                return String.join("\n", texts(awaitDialog()));
            case "nodialog":
                awaitNoDialog();
                return "";
            case "press":
                press(awaitDialog(), rest);
                return "";
            case "type":
                int blank = rest.indexOf(' ');
                type(awaitDialog(), Integer.parseInt(rest.substring(0, blank)), rest.substring(blank + 1));
                return "";
            case "tick":
                tick(awaitDialog(), rest);
                return "";
            case "window":
                return String.join("\n", texts(awaitWindow(rest)));
            case "windows":
                return visible().stream().map(Screen::title).collect(Collectors.joining("\n"));
            case "shot":
                Thread.sleep(400);
                Rectangle screen = new Rectangle(Toolkit.getDefaultToolkit().getScreenSize());
                ImageIO.write(new Robot().createScreenCapture(screen), "png", new File(rest));
                return "";
            default:
                return Controls.obey(word, rest);
        }
    }

    private static List<Window> visible() {
        List<Window> windows = new ArrayList<>();
        for (Window window : Window.getWindows()) {
            if (window.isVisible()) {
                windows.add(window);
            }
        }
        return windows;
    }

    static boolean isAsking() {
        return findDialog() != null;
    }

    /** Closes the dialog in which ImageJ tells of a faulty macro; returns its text, empty if there is none. */
    static String closeMacroError() {
        Dialog dialog = findDialog();
        if (dialog == null || !dialog.getTitle().equals("Macro Error")) {
            return "";
        }
        String text = String.join(" ", texts(dialog));
        dialog.dispose();
        return text;
    }

    private static Dialog findDialog() {
        Dialog found = null;
        for (Window window : visible()) {
            if (window instanceof Dialog) {
                found = (Dialog) window;
            }
        }
        return found;
    }

    static Dialog awaitDialog() throws InterruptedException {
        long end = System.currentTimeMillis() + LIMIT_MS;
        while (findDialog() == null) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("no dialog appeared");
            }
            Thread.sleep(50);
        }
        return findDialog();
    }

    private static void awaitNoDialog() throws InterruptedException {
        long end = System.currentTimeMillis() + LIMIT_MS;
        while (findDialog() != null) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("the dialog stays: " + texts(findDialog()));
            }
            Thread.sleep(50);
        }
    }

    static Window awaitWindow(String title) throws InterruptedException {
        long end = System.currentTimeMillis() + LIMIT_MS;
        while (System.currentTimeMillis() < end) {
            for (Window window : visible()) {
                if (title(window).equals(title)) {
                    return window;
                }
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException("no window " + title);
    }

    private static String title(Window window) {
        if (window instanceof Frame) {
            return ((Frame) window).getTitle();
        }
        return window instanceof Dialog ? ((Dialog) window).getTitle() : window.getClass().getSimpleName();
    }

    static List<Component> parts(Container container) {
        List<Component> parts = new ArrayList<>();
        for (Component part : container.getComponents()) {
            parts.add(part);
            if (part instanceof Container) {
                parts.addAll(parts((Container) part));
            }
        }
        return parts;
    }

    private static List<String> texts(Window window) {
        List<String> texts = new ArrayList<>();
        texts.add(title(window));
        for (Component part : parts(window)) {
            if (part instanceof Label) {
                texts.add(((Label) part).getText());
            } else if (part instanceof Button) {
                texts.add("[" + ((Button) part).getLabel() + "]");
            } else if (part instanceof Checkbox) {
                texts.add(((Checkbox) part).getLabel() + "=" + ((Checkbox) part).getState());
            } else if (part instanceof TextComponent) {
                texts.add(((TextComponent) part).getText());
            } else if (part.getClass().getSimpleName().equals("MultiLineLabel")) {
                texts.add(multiLine(part));
            } else if (part instanceof TextPanel) {
                texts.add(((TextPanel) part).getText());
            }
        }
        return texts;
    }

    private static String multiLine(Component label) {
        try {
            Field lines = label.getClass().getDeclaredField("lines");
            lines.setAccessible(true);
            return String.join(" ", (String[]) lines.get(label));
        } catch (ReflectiveOperationException error) {
            return label.toString();
        }
    }

    private static void press(Dialog dialog, String label) throws InterruptedException {
        for (Component part : parts(dialog)) {
            if (part instanceof Button && ((Button) part).getLabel().trim().equals(label)) {
                part.dispatchEvent(new ActionEvent(part, ActionEvent.ACTION_PERFORMED, label));
                while (dialog.isVisible()) {
                    Thread.sleep(10);
                }
                return;
            }
        }
        throw new IllegalStateException("no button " + label + " in " + texts(dialog));
    }

    private static void type(Dialog dialog, int index, String text) {
        List<TextComponent> fields = new ArrayList<>();
        for (Component part : parts(dialog)) {
            if (part instanceof TextComponent) {
                fields.add((TextComponent) part);
            }
        }
        fields.get(index).setText(text);
    }

    private static void tick(Dialog dialog, String start) {
        for (Component part : parts(dialog)) {
            if (part instanceof Checkbox && ((Checkbox) part).getLabel().startsWith(start)) {
                Checkbox box = (Checkbox) part;
                box.setState(!box.getState());
                return;
            }
        }
        throw new IllegalStateException("no box " + start + " in " + texts(dialog));
    }
}
