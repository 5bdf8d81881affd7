package org.deepflash.commands;

import java.awt.Dimension;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import org.deepflash.client.TrainingHistory;
import org.deepflash.fiji.AtomicFiles;
import org.deepflash.records.EpochPoint;
import org.deepflash.records.Job;

/** Saves the curve of a training as table and picture. */
final class CurveFiles {

    private static final Dimension SIZE = new Dimension(1200, 720);
    private static final double SCALE = 1.5;

    private CurveFiles() {
    }

    /**
     * Writes {@code MODEL-JOB-curve.csv} and {@code .png}; files of the same training are replaced.
     *
     * @return the table
     */
    static Path write(Path folder, Job job, TrainingHistory history) throws IOException {
        String name = job.getModel().replaceAll("@.*", "").replaceAll("[^\\p{L}\\p{N}_.-]+", "_");
        String stem = (name.isEmpty() ? "" : name + "-") + job.getId() + "-curve";
        Path table = folder.resolve(stem + ".csv");
        AtomicFiles.write(folder.resolve(stem + ".png"), toPng(history));
        AtomicFiles.write(table, toCsv(history).getBytes(StandardCharsets.UTF_8));
        return table;
    }

    /** Returns one row per epoch, one column per number; what was not measured is empty. */
    static String toCsv(TrainingHistory history) {
        TreeSet<String> names = new TreeSet<>();
        history.getPoints().forEach(point -> names.addAll(point.getMetrics().keySet()));
        names.remove("epoch");
        names.remove("member");
        StringBuilder text = new StringBuilder("total_epoch,member,epoch");
        names.forEach(name -> text.append(',').append(name));
        text.append('\n');
        for (EpochPoint point : history.getPoints()) {
            List<String> cells = new ArrayList<>();
            cells.add(String.valueOf(point.getTotal()));
            cells.add(String.valueOf(point.getMember()));
            cells.add(String.valueOf(point.getEpoch()));
            names.forEach(name -> cells.add(cell(point.getMetric(name))));
            text.append(String.join(",", cells)).append('\n');
        }
        return text.toString();
    }

    private static String cell(double value) {
        if (Double.isNaN(value)) {
            return "";
        }
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.valueOf((long) value)
            : String.valueOf(value);
    }

    private static byte[] toPng(TrainingHistory history) throws IOException {
        BufferedImage picture = new BufferedImage(SIZE.width, SIZE.height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        new CurvePainter(history, SIZE, SCALE).paint(graphics);
        graphics.dispose();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", bytes);
        return bytes.toByteArray();
    }
}
