package org.deepflash.commands;

import ij.ImagePlus;
import ij.WindowManager;
import ij.io.FileSaver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deepflash.fiji.ExpertFolders;
import org.deepflash.records.InputException;

/** Masks, label images and ROI sets that an option names: a folder, a file, or an open image by its title. */
final class Annotated {

    private static final String LABELS = "_labels.tif";

    private Annotated() {
    }

    /**
     * Reads the files.
     *
     * @param single name for what is one image, so that two single ones pair; null keeps their own
     * @return file name to bytes
     * @throws InputException if there is nothing of that name
     */
    static Map<String, byte[]> read(String place, String single) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        ImagePlus image = WindowManager.getImage(place);
        Path path = image == null ? Paths.get(place) : null;
        if (image != null) {
            files.put((single == null ? image.getTitle() : single) + ".tif", new FileSaver(image).serialize());
        } else if (Files.isDirectory(path)) {
            readFolder(path, files);
        } else if (Files.isRegularFile(path)) {
            String name = path.getFileName().toString();
            files.put(single == null ? name : single + name.substring(name.lastIndexOf('.')), Files.readAllBytes(path));
        } else {
            throw new InputException("There is no folder, file or open image " + place + ". Check the name.");
        }
        return files;
    }

    /** In a folder that the service or DFL Segment wrote, the label images are meant. */
    private static void readFolder(Path folder, Map<String, byte[]> files) throws IOException {
        List<Path> found = ExpertFolders.find("x=" + folder).get("x");
        boolean hasLabels = found.stream().anyMatch(file -> file.toString().endsWith(LABELS));
        for (Path file : found) {
            String name = file.getFileName().toString();
            if (!hasLabels) {
                files.put(name, Files.readAllBytes(file));
            } else if (name.endsWith(LABELS)) {
                files.put(name.substring(0, name.length() - LABELS.length()) + ".tif", Files.readAllBytes(file));
            }
        }
    }

    /** Tells whether an option names one image and no folder. */
    static boolean isSingle(String place) {
        return WindowManager.getImage(place) != null || Files.isRegularFile(Paths.get(place));
    }

    /** Returns an open image by its title, or the image of a file. */
    static ImagePlus open(String place) {
        ImagePlus image = WindowManager.getImage(place);
        return image == null ? Images.open(Paths.get(place)) : image;
    }

    /** Returns the titles of the open images, to choose from. */
    static String[] titles() {
        String[] titles = WindowManager.getImageTitles();
        return titles.length == 0 ? new String[] {""} : titles;
    }
}
