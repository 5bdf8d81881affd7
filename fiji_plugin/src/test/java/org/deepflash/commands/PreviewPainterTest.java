package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import org.deepflash.client.JobFollower;
import org.deepflash.records.Job;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreviewPainterTest {

    private static final Dimension SIZE = new Dimension(400, 200);

    private static BufferedImage paint(String state) {
        Job job = new Job.Builder("a").kind("training").state(state).build();
        MonitorView view = new MonitorView(new JobFollower(null, job), "", 0, "");
        BufferedImage picture = new BufferedImage(SIZE.width, SIZE.height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        new PreviewPainter(view, 1).paint(graphics, SIZE);
        graphics.dispose();
        return picture;
    }

    private static BufferedImage write(String words) {
        BufferedImage picture = new BufferedImage(SIZE.width, SIZE.height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, SIZE.width, SIZE.height);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
        graphics.setColor(Color.GRAY);
        graphics.drawString(words, 10, 45);
        graphics.dispose();
        return picture;
    }

    /** Everything below the title. */
    private static int[] pixels(BufferedImage picture) {
        return picture.getRGB(0, 30, SIZE.width, SIZE.height - 30, null, 0, SIZE.width);
    }

    @ParameterizedTest
    @CsvSource({"running,comes with the first scores", "done,there is none: no image was held out",
        "cancelled,there is none: it ended before the first scores"})
    void whereThereIsNoPictureItSaysWhy(String state, String words) {
        assertArrayEquals(pixels(write(words)), pixels(paint(state)));
    }
}
