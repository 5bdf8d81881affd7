package org.deepflash.driver;

import ij.Macro;
import ij.Menus;
import ij.gui.GenericDialog;
import java.awt.AWTException;
import java.awt.Button;
import java.awt.Checkbox;
import java.awt.Choice;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.ItemSelectable;
import java.awt.Label;
import java.awt.Menu;
import java.awt.MenuItem;
import java.awt.Point;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.TextComponent;
import java.awt.TextField;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.awt.event.ItemEvent;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.locks.LockSupport;
import javax.imageio.ImageIO;
import javax.swing.SwingUtilities;

/** Chooses items of the menu bar, and works the fields of a {@code GenericDialog} by their macro keys. */
final class Form {

    private static final long LIMIT_MS = 20_000;
    private static final Point CORNER = new Point(20, 20);
    private static final long PAUSE_NS = 80_000_000L;
    /** A laptop, less what title bars and task bar take. */
    private static final Dimension SMALL_SCREEN = new Dimension(1280, 700);

    private Form() {
    }

    static String obey(String word, String rest) throws Exception {
        switch (word) {
            case "item":
                chooseItem(rest);
                return "";
            case "fields":
                StringJoiner lines = new StringJoiner("\n");
                fields().forEach(field -> lines.add(key(field) + "\t" + value(field)));
                return lines.toString();
            case "fill":
                String[] pair = rest.split(" ", 2);
                fill(pair[0], pair.length == 1 ? "" : pair[1]);
                return "";
            case "clipped":
                return String.join("\n", findClipped(find(rest)));
            case "place":
                Window window = find(rest);
                return window.getX() + " " + window.getY() + " " + window.getWidth() + " " + window.getHeight();
            case "photo":
                String[] places = rest.split("\\|");
                return photograph(find(places.length == 1 ? "" : places[1]), new File(places[0]));
            default:
                throw new IllegalArgumentException("unknown word " + word);
        }
    }

    private static Window find(String title) throws InterruptedException {
        return title.isEmpty() ? Screen.awaitDialog() : Screen.awaitWindow(title);
    }

    /** Clicks an item below Plugins > DeepFLaSH of ImageJ's own menu bar. */
    private static void chooseItem(String label) {
        Menu plugins = (Menu) find(Arrays.asList(menus()), "Plugins");
        MenuItem item = find(Arrays.asList(items((Menu) find(Arrays.asList(items(plugins)), "DeepFLaSH"))), label);
        ActionEvent click = new ActionEvent(item, ActionEvent.ACTION_PERFORMED, item.getActionCommand());
        EventQueue.invokeLater(() -> item.dispatchEvent(click));
    }

    private static Menu[] menus() {
        Menu[] menus = new Menu[Menus.getMenuBar().getMenuCount()];
        for (int i = 0; i < menus.length; i++) {
            menus[i] = Menus.getMenuBar().getMenu(i);
        }
        return menus;
    }

    private static MenuItem[] items(Menu menu) {
        MenuItem[] items = new MenuItem[menu.getItemCount()];
        for (int i = 0; i < items.length; i++) {
            items[i] = menu.getItem(i);
        }
        return items;
    }

    private static MenuItem find(List<? extends MenuItem> items, String label) {
        return items.stream().filter(item -> item.getLabel().equals(label)).findFirst()
            .orElseThrow(() -> new IllegalStateException("no menu item " + label));
    }

    /** Returns the fields of the dialog as one sees them, from top to bottom. */
    private static List<Component> fields() throws InterruptedException {
        List<Component> fields = new ArrayList<>();
        for (Component part : Screen.parts(Screen.awaitDialog())) {
            if (part instanceof TextField || part instanceof Choice || part instanceof Checkbox) {
                fields.add(part);
            }
        }
        return fields;
    }

    /** Returns what the recorder makes of the label; the dialog itself shows blanks for "_". */
    private static String key(Component field) {
        try {
            Field labels = GenericDialog.class.getDeclaredField("labels");
            labels.setAccessible(true);
            Map<?, ?> known = (Map<?, ?>) labels.get(Screen.awaitDialog());
            return Macro.trimKey(String.valueOf(known.get(field)));
        } catch (ReflectiveOperationException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String value(Component field) {
        if (field instanceof Checkbox) {
            return String.valueOf(((Checkbox) field).getState());
        }
        return field instanceof Choice ? ((Choice) field).getSelectedItem() : ((TextComponent) field).getText();
    }

    private static void fill(String key, String value) throws InterruptedException {
        Component field = fields().stream().filter(part -> key(part).equals(key)).findFirst()
            .orElseThrow(() -> new IllegalStateException("no field " + key));
        if (field instanceof TextComponent) {
            ((TextComponent) field).setText(value);
            return;
        }
        if (field instanceof Checkbox) {
            ((Checkbox) field).setState(Boolean.parseBoolean(value));
        } else {
            ((Choice) field).select(value);
        }
        if (!value(field).equals(value)) {
            throw new IllegalStateException(key + " has no item " + value);
        }
        EventQueue.invokeLater(() -> field.dispatchEvent(new ItemEvent((ItemSelectable) field,
            ItemEvent.ITEM_STATE_CHANGED, value, ItemEvent.SELECTED)));
    }

    /**
     * Returns what is not seen whole: words wider than their place, parts that reach beyond the window, and a window
     * higher or wider than a small screen.
     */
    private static List<String> findClipped(Window window) {
        List<String> clipped = new ArrayList<>();
        boolean isTooLarge = window.getWidth() > SMALL_SCREEN.width || window.getHeight() > SMALL_SCREEN.height;
        if (isTooLarge) {
            clipped.add("the window has " + window.getWidth() + " x " + window.getHeight() + " pixels");
        }
        for (Component part : Screen.parts(window)) {
            if (!new Rectangle(window.getSize()).contains(place(part, window))) {
                clipped.add(part + " reaches beyond the window");
            }
            Dimension wanted = part.getPreferredSize();
            boolean isWord = part instanceof Label || part instanceof Button || part instanceof Checkbox
                || part instanceof Choice || part.getClass().getSimpleName().equals("MultiLineLabel");
            if (isWord && (part.getWidth() < wanted.width || part.getHeight() < wanted.height)) {
                clipped.add(part + " wants " + wanted.width + " x " + wanted.height);
            }
        }
        return clipped;
    }

    private static Rectangle place(Component part, Window window) {
        return SwingUtilities.convertRectangle(part.getParent(), part.getBounds(), window);
    }

    private static String word(Component part) {
        if (part instanceof Label) {
            return ((Label) part).getText();
        }
        return part instanceof Button ? ((Button) part).getLabel()
            : part.getClass().getSimpleName().equals("MultiLineLabel") ? "lines" : "";
    }

    /** Returns how many words of the window are in the picture, or -1 if one is not. */
    private static int countDrawn(Window window, BufferedImage picture) {
        int drawn = 0;
        for (Component part : Screen.parts(window)) {
            if (!word(part).trim().isEmpty()) {
                Rectangle place = place(part, window).intersection(new Rectangle(window.getSize()));
                int[] pixels = place.isEmpty() ? new int[0]
                    : picture.getRGB(place.x, place.y, place.width, place.height, null, 0, place.width);
                if (Arrays.stream(pixels).distinct().count() < 2) {
                    return -1;
                }
                drawn++;
            }
        }
        return drawn;
    }

    /**
     * Takes the picture of a window when it has been drawn: when two pictures of it are alike and show all words.
     *
     * @return width, height and the number of its labels and buttons
     */
    private static String photograph(Window window, File file) throws AWTException, IOException {
        Robot robot = new Robot();
        int[] before = {};
        long end = System.currentTimeMillis() + LIMIT_MS;
        while (System.currentTimeMillis() < end) {
            // Without a window manager Java may not know where a window is, but it comes where it is put.
            window.setLocation(CORNER);
            window.toFront();
            BufferedImage picture = robot.createScreenCapture(new Rectangle(CORNER, window.getSize()));
            int[] pixels = picture.getRGB(0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth());
            int drawn = countDrawn(window, picture);
            if (Arrays.equals(pixels, before) && drawn >= 0) {
                ImageIO.write(picture, "png", file);
                return window.getWidth() + " " + window.getHeight() + " " + drawn;
            }
            before = pixels;
            LockSupport.parkNanos(PAUSE_NS);
        }
        throw new IllegalStateException("the window is never drawn: " + window);
    }
}
