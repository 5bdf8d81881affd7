package org.deepflash.commands;

import java.awt.Canvas;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.function.BiConsumer;

/** An area that is painted behind the scenes and shown at once, so that it does not flicker. */
final class PictureCanvas extends Canvas {

    private static final long serialVersionUID = 1L;

    private transient BiConsumer<Graphics2D, Dimension> painter;

    PictureCanvas(Dimension preferred) {
        setPreferredSize(preferred);
        setBackground(Color.WHITE);
    }

    void show(BiConsumer<Graphics2D, Dimension> newPainter) {
        painter = newPainter;
        repaint();
    }

    @Override
    public void update(Graphics graphics) {
        paint(graphics);
    }

    @Override
    public void paint(Graphics graphics) {
        Dimension size = getSize();
        if (painter == null || size.width < 1 || size.height < 1) {
            return;
        }
        BufferedImage picture = new BufferedImage(size.width, size.height, BufferedImage.TYPE_INT_RGB);
        Graphics2D hidden = picture.createGraphics();
        painter.accept(hidden, size);
        hidden.dispose();
        graphics.drawImage(picture, 0, 0, null);
    }
}
