package org.deepflash.commands;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.util.List;
import java.util.Locale;
import org.deepflash.client.TrainingHistory;
import org.deepflash.records.EpochPoint;

/** Draws loss (left axis) and held-out scores (right axis) over the epochs; colours fit for colour-blind eyes. */
final class CurvePainter {

    private static final Color LOSS = new Color(0x0072B2);
    private static final Color F1 = new Color(0xD55E00);
    private static final Color JACCARD = new Color(0x00805C);
    private static final Color GRID = new Color(0xE4E4E4);
    private static final Color TEXT = new Color(0x333333);
    private static final int TICKS = 5;
    private static final double OUTLIER = 4.0;
    private static final int EARLY = 10;
    private static final double[] WHOLE_STEPS = {1, 2, 5};
    private static final double[] FINE_STEPS = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8};

    private final TrainingHistory history;
    private final List<EpochPoint> points;
    private final Dimension size;
    private final double scale;
    private final Rectangle plot;
    private final double lastEpoch;
    private final double topLoss;

    /** @param scale of letters and lines, 1 = 12 pixels high */
    CurvePainter(TrainingHistory history, Dimension size, double scale) {
        this.history = history;
        this.points = history.getPoints();
        this.size = size;
        this.scale = scale;
        this.plot = new Rectangle(px(62), px(40), Math.max(1, size.width - px(124)), Math.max(1, size.height - px(92)));
        int told = points.isEmpty() ? 0 : points.get(points.size() - 1).getTotal();
        // The first epochs of many would be a line as thin as a hair: the axis grows with them.
        int shown = Math.min(history.getEpochs(), Math.max(EARLY, told * EARLY));
        this.lastEpoch = Math.max(Math.max(told, shown), 1);
        this.topLoss = findTopLoss();
    }

    private int px(int pixels) {
        return (int) Math.round(pixels * scale);
    }

    /** Returns the top of the loss axis: the first epochs may lie above it rather than press all others flat. */
    private double findTopLoss() {
        double[] losses = points.stream().mapToDouble(point -> point.getMetric("loss"))
            .filter(loss -> !Double.isNaN(loss) && !Double.isInfinite(loss)).sorted().toArray();
        if (losses.length == 0) {
            return 1;
        }
        double median = losses[losses.length / 2];
        double top = Math.min(losses[losses.length - 1], OUTLIER * median);
        return Math.max(TICKS * niceStep(top / TICKS, FINE_STEPS), 1e-6);
    }

    void paint(Graphics2D graphics) {
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, size.width, size.height);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, px(12)));
        drawAxes(graphics);
        if (points.isEmpty()) {
            graphics.setColor(Color.GRAY);
            center(graphics, "The curve begins with the first epoch.", plot.x + plot.width / 2, plot.y + plot.height / 2);
            return;
        }
        drawMembers(graphics);
        Shape clip = graphics.getClip();
        graphics.clipRect(plot.x - px(5), plot.y - px(5), plot.width + px(10), plot.height + px(10));
        drawSeries(graphics, new Series("loss", LOSS, topLoss, false));
        drawSeries(graphics, new Series(jaccardName(), JACCARD, 1, true));
        drawSeries(graphics, new Series("f1", F1, 1, true));
        graphics.setClip(clip);
        drawLegend(graphics);
    }

    private String jaccardName() {
        return Double.isNaN(history.getMetric("pixel_jaccard")) ? "roi_jaccard" : "pixel_jaccard";
    }

    private void drawAxes(Graphics2D graphics) {
        FontMetrics letters = graphics.getFontMetrics();
        int middle = letters.getAscent() / 2 - px(1);
        double step = topLoss / TICKS;
        for (int i = 0; i <= TICKS; i++) {
            int y = y((double) i / TICKS);
            graphics.setColor(GRID);
            graphics.drawLine(plot.x, y, plot.x + plot.width, y);
            graphics.setColor(LOSS);
            String left = trim(step * i, step);
            graphics.drawString(left, plot.x - px(7) - letters.stringWidth(left), y + middle);
            graphics.setColor(F1);
            graphics.drawString(String.format(Locale.ROOT, "%.1f", (double) i / TICKS), plot.x + plot.width + px(7),
                y + middle);
        }
        double epochs = Math.max(1, niceStep(lastEpoch / 8, WHOLE_STEPS));
        for (double epoch = 0; epoch <= lastEpoch + 1e-9; epoch += epochs) {
            int x = x(epoch);
            graphics.setColor(GRID);
            graphics.drawLine(x, plot.y, x, plot.y + plot.height);
            graphics.setColor(TEXT);
            center(graphics, String.valueOf((long) epoch), x, plot.y + plot.height + px(17));
        }
        graphics.setColor(Color.GRAY);
        graphics.drawRect(plot.x, plot.y, plot.width, plot.height);
        graphics.setColor(TEXT);
        center(graphics, "Epoch", plot.x + plot.width / 2, plot.y + plot.height + px(38));
        graphics.setColor(LOSS);
        turned(graphics, "Loss", px(16));
        graphics.setColor(F1);
        turned(graphics, "Score on held-out images", size.width - px(12));
    }

    private void drawMembers(Graphics2D graphics) {
        for (int i = 1; i < points.size(); i++) {
            if (points.get(i).getMember() != points.get(i - 1).getMember()) {
                int x = x(points.get(i).getTotal() - 0.5);
                graphics.setColor(Color.GRAY);
                graphics.setStroke(new BasicStroke((float) scale, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10f,
                    new float[] {px(3), px(4)}, 0f));
                graphics.draw(new Line2D.Double(x, plot.y, x, plot.y + plot.height));
                graphics.drawString("network " + points.get(i).getMember(), x + px(4), plot.y + plot.height - px(6));
            }
        }
    }

    private void drawSeries(Graphics2D graphics, Series series) {
        graphics.setColor(series.color);
        graphics.setStroke(new BasicStroke((float) (1.8 * scale), BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        Path2D line = new Path2D.Double();
        int member = 0;
        for (EpochPoint point : points) {
            double value = point.getMetric(series.name);
            if (!Double.isNaN(value)) {
                double y = plot.y + plot.height * (1 - value / series.top);
                double x = plot.x + plot.width * (point.getTotal() / lastEpoch);
                if (point.getMember() == member) {
                    line.lineTo(x, y);
                } else {
                    line.moveTo(x, y);
                }
                member = point.getMember();
                if (series.hasDots || points.size() == 1) {
                    double half = 2.6 * scale;
                    graphics.fill(new Ellipse2D.Double(x - half, y - half, 2 * half, 2 * half));
                }
            }
        }
        graphics.draw(line);
    }

    private void drawLegend(Graphics2D graphics) {
        int x = plot.x;
        x = drawEntry(graphics, x, LOSS, "Loss", "loss");
        x = drawEntry(graphics, x, F1, "F1 of ROIs", "f1");
        drawEntry(graphics, x, JACCARD, jaccardName().startsWith("roi") ? "ROI Jaccard" : "Pixel Jaccard", jaccardName());
    }

    private int drawEntry(Graphics2D graphics, int x, Color color, String title, String name) {
        double value = history.getMetric(name);
        if (Double.isNaN(value)) {
            return x;
        }
        String text = title + " " + String.format(Locale.ROOT, "%.3f", value);
        graphics.setColor(color);
        graphics.fillRoundRect(x, px(16), px(16), px(5), px(4), px(4));
        graphics.setColor(TEXT);
        graphics.drawString(text, x + px(22), px(23));
        return x + px(46) + graphics.getFontMetrics().stringWidth(text);
    }

    private int x(double epoch) {
        return plot.x + (int) Math.round(plot.width * epoch / lastEpoch);
    }

    private int y(double fraction) {
        return plot.y + (int) Math.round(plot.height * (1 - fraction));
    }

    private static void center(Graphics2D graphics, String text, int x, int y) {
        graphics.drawString(text, x - graphics.getFontMetrics().stringWidth(text) / 2, y);
    }

    private void turned(Graphics2D graphics, String text, int x) {
        Graphics2D turned = (Graphics2D) graphics.create();
        turned.rotate(-Math.PI / 2, x, plot.y + plot.height / 2.0);
        center(turned, text, x, plot.y + plot.height / 2);
        turned.dispose();
    }

    /** Returns one of the factors times a power of ten, not below the given step. */
    private static double niceStep(double step, double[] factors) {
        double power = Math.pow(10, Math.floor(Math.log10(Math.max(step, 1e-12))));
        for (double factor : factors) {
            if (factor * power >= step * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private static String trim(double value, double step) {
        int digits = (int) Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) + 0.8)));
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    private static final class Series {

        private final String name;
        private final Color color;
        private final double top;
        private final boolean hasDots;

        Series(String name, Color color, double top, boolean hasDots) {
            this.name = name;
            this.color = color;
            this.top = top;
            this.hasDots = hasDots;
        }
    }
}
