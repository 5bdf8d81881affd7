package org.deepflash.fiji;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.records.InputException;

/**
 * Which ROI set belongs to which image: by name, never by order.
 *
 * <p>First the stems must agree ({@code _RoiSet} taken off); what is then left over is compared after one
 * trailing {@code _word} is taken off both ({@code 0001_img} with {@code 0001_expert_RoiSet}). More than one
 * candidate is no pair.
 */
public final class RoiPairing {

    private static final Set<String> IMAGE_TYPES = new HashSet<>(
        Arrays.asList("tif", "tiff", "png", "jpg", "jpeg", "gif", "bmp", "pgm", "dcm", "fits"));
    private static final Set<String> ROI_TYPES = new HashSet<>(Arrays.asList("zip", "roi"));
    private static final Set<String> OUTLINE_TYPES = Collections.singleton("geojson");

    private static final String OME = ".ome";
    private static final Pattern WORD = Pattern.compile("(?<=.)_[^_]*\\p{L}[^_]*$");

    private final Map<Path, Path> pairs = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();

    private RoiPairing() {
    }

    /**
     * Pairs the images of one folder with the ROI sets of another (or the same) one.
     *
     * @throws InputException if a folder is missing
     */
    public static RoiPairing find(Path imageFolder, Path roiFolder) {
        RoiPairing pairing = new RoiPairing();
        List<Path> images = list(imageFolder, IMAGE_TYPES);
        List<Path> rois = list(roiFolder, ROI_TYPES);
        pairing.match(images, rois, false);
        pairing.match(images, rois, true);
        for (Path image : images) {
            pairing.problems.add("No ROI set for the image " + image.getFileName() + " in " + roiFolder + ".");
        }
        for (Path roi : rois) {
            pairing.problems.add("No image for the ROI set " + roi.getFileName() + " in " + imageFolder + ".");
        }
        for (Path outlines : pairing.withoutConverted(list(roiFolder, OUTLINE_TYPES))) {
            pairing.problems.add(outlines.getFileName() + " holds outlines as GeoJSON, which need no conversion: DFL"
                + " Check Pairs..., DFL Merge Experts... and DFL Train... take such files as they are.");
        }
        return pairing;
    }

    /**
     * Returns the images of a folder, sorted by name.
     *
     * @throws InputException if the folder is missing
     */
    public static List<Path> listImages(Path folder) {
        return list(folder, IMAGE_TYPES);
    }

    private static List<Path> list(Path folder, Set<String> types) {
        if (!Files.isDirectory(folder)) {
            throw new InputException("There is no folder " + folder + ". Check the name.");
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                .filter(file -> !file.getFileName().toString().startsWith("."))
                .filter(file -> types.contains(extension(file.getFileName().toString())))
                .sorted().collect(Collectors.toCollection(ArrayList::new));
        } catch (IOException error) {
            throw new InputException("The folder " + folder + " cannot be read (" + error.getMessage() + ").");
        }
    }

    /** Segmentations come as ROI set and as GeoJSON: the one is converted, and the other is not missed. */
    private List<Path> withoutConverted(List<Path> outlines) {
        Set<String> converted = new HashSet<>();
        pairs.forEach((image, rois) -> {
            converted.add(key(image.getFileName().toString(), false));
            converted.add(key(rois.getFileName().toString(), false));
        });
        return outlines.stream().filter(file -> !converted.contains(stripOme(stripWord(
            stem(file.getFileName().toString()), "_rois")))).collect(Collectors.toList());
    }

    private void match(List<Path> images, List<Path> rois, boolean isLoose) {
        Map<String, List<Path>> imagesByKey = group(images, isLoose);
        Map<String, List<Path>> roisByKey = group(rois, isLoose);
        for (Map.Entry<String, List<Path>> entry : imagesByKey.entrySet()) {
            List<Path> partners = roisByKey.getOrDefault(entry.getKey(), Collections.<Path>emptyList());
            if (partners.size() == 1 && entry.getValue().size() == 1) {
                pairs.put(entry.getValue().get(0), partners.get(0));
            } else if (!partners.isEmpty()) {
                problems.add("The images " + names(entry.getValue()) + " and the ROI sets " + names(partners)
                    + " cannot be told apart by name. Rename them so that each image has one ROI set.");
            } else {
                continue;
            }
            images.removeAll(entry.getValue());
            rois.removeAll(partners);
        }
    }

    private static Map<String, List<Path>> group(List<Path> files, boolean isLoose) {
        Map<String, List<Path>> groups = new LinkedHashMap<>();
        for (Path file : files) {
            String key = key(file.getFileName().toString(), isLoose);
            groups.computeIfAbsent(key, name -> new ArrayList<>()).add(file);
        }
        return groups;
    }

    private static String key(String name, boolean isLoose) {
        String stem = stripOme(stripWord(stem(name), "_roiset"));
        int last = stem.lastIndexOf('_');
        return isLoose && last > 0 ? stem.substring(0, last) : stem;
    }

    /**
     * Tells whether the names of an image and an annotation agree for the service.
     *
     * @param isLoose whether one trailing {@code _word} may be taken off either; a number is no word
     */
    public static boolean belongTogether(String image, String annotation, boolean isLoose) {
        String first = key(image, false);
        String second = key(annotation, false);
        return first.equals(second) || isLoose && (WORD.matcher(first).replaceFirst("").equals(second)
            || first.equals(WORD.matcher(second).replaceFirst(""))
            || WORD.matcher(first).replaceFirst("").equals(WORD.matcher(second).replaceFirst("")));
    }

    private static String names(List<Path> files) {
        return files.stream().map(file -> file.getFileName().toString()).collect(Collectors.joining(", "));
    }

    private static String stripWord(String stem, String word) {
        boolean isThere = stem.toLowerCase(Locale.ROOT).endsWith(word);
        return isThere ? stem.substring(0, stem.length() - word.length()) : stem;
    }

    /** Returns the file name without its last extension, and without the {@code .ome} of OME files before it. */
    public static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 ? stripOme(name.substring(0, dot)) : name;
    }

    private static String stripOme(String stem) {
        return stem.length() > OME.length() && stem.endsWith(OME) ? stem.substring(0, stem.length() - OME.length()) : stem;
    }

    private static String extension(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    /** Returns image to ROI set, sorted by the name of the image. */
    public Map<Path, Path> getPairs() {
        return Collections.unmodifiableMap(pairs);
    }

    /** Returns one sentence for each file, or group of files, that was left out. */
    public List<String> getProblems() {
        return Collections.unmodifiableList(problems);
    }
}
