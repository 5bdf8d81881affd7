package org.deepflash.commands;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/** Draws the held-out image with the comparison that the training sent, and says what the colours mean. */
final class PreviewPainter {

    private static final Color MAGENTA = new Color(0xC000C0);
    private static final Color GREEN = new Color(0x007A2F);
    private static final Color TEXT = new Color(0x333333);

    private final BufferedImage preview;
    private final int epoch;
    private final String missing;
    private final double scale;

    PreviewPainter(MonitorView view, double scale) {
        this.preview = view.getPreview();
        this.epoch = view.getPreviewEpoch();
        this.missing = view.describeMissingPreview();
        this.scale = scale;
    }

    private int px(int pixels) {
        return (int) Math.round(pixels * scale);
    }

    void paint(Graphics2D graphics, Dimension size) {
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, size.width, size.height);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, px(12)));
        graphics.setColor(TEXT);
        String title = "A held-out image" + (epoch > 0 ? " after epoch " + epoch : "");
        graphics.drawString(title, px(10), px(23));
        if (preview == null) {
            graphics.setColor(Color.GRAY);
            graphics.drawString(missing, px(10), px(45));
            return;
        }
        int width = Math.max(1, size.width - px(20));
        int height = Math.max(1, size.height - px(92));
        double zoom = Math.min((double) width / preview.getWidth(), (double) height / preview.getHeight());
        int drawnHeight = (int) Math.round(preview.getHeight() * zoom);
        graphics.drawImage(preview, px(10), px(40), (int) Math.round(preview.getWidth() * zoom), drawnHeight, null);
        int y = px(40) + drawnHeight + px(18);
        FontMetrics letters = graphics.getFontMetrics();
        int x = word(graphics, letters, "white", TEXT, px(10), y);
        x = word(graphics, letters, "both  ", TEXT, x, y);
        x = word(graphics, letters, "magenta", MAGENTA, x, y);
        x = word(graphics, letters, "model only  ", TEXT, x, y);
        x = word(graphics, letters, "green", GREEN, x, y);
        word(graphics, letters, "experts only", TEXT, x, y);
    }

    private static int word(Graphics2D graphics, FontMetrics letters, String text, Color color, int x, int y) {
        graphics.setColor(color);
        graphics.drawString(text, x, y);
        return x + letters.stringWidth(text + " ");
    }
}
