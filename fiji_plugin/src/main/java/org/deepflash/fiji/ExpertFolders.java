package org.deepflash.fiji;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.records.InputException;

/** Which folder holds the annotations of which expert. */
public final class ExpertFolders {

    private static final Set<String> MASKS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("tif", "tiff",
        "png", "gif", "bmp", "jpg", "jpeg")));
    private static final Set<String> ROIS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("roi", "zip", "geojson")));

    private ExpertFolders() {
    }

    /**
     * Reads {@code anna=DIR;ben=DIR}, a folder with one folder per expert, or the folder of one expert.
     *
     * @return expert to the files in the folder, sorted by name
     * @throws InputException if a folder is missing or holds no annotation
     */
    public static Map<String, List<Path>> find(String text) {
        Map<String, List<Path>> experts = new LinkedHashMap<>();
        for (String part : text.split(";")) {
            int sign = part.indexOf('=');
            if (sign > 0) {
                add(experts, part.substring(0, sign).trim(), Paths.get(part.substring(sign + 1).trim()));
            } else if (!part.trim().isEmpty()) {
                addFolder(experts, Paths.get(part.trim()));
            }
        }
        if (experts.isEmpty()) {
            throw new InputException("No folder with annotations was named. Write mask_folders=[anna=DIR;ben=DIR].");
        }
        return experts;
    }

    private static void addFolder(Map<String, List<Path>> experts, Path folder) {
        checkFolder(folder);
        List<Path> inner = list(folder).stream().filter(Files::isDirectory).filter(path -> !listFiles(path).isEmpty())
            .collect(Collectors.toList());
        boolean isOfOneExpert = inner.isEmpty() || !listFiles(folder).isEmpty();
        if (isOfOneExpert) {
            add(experts, folder.toAbsolutePath().normalize().getFileName().toString(), folder);
        } else {
            inner.forEach(path -> add(experts, path.getFileName().toString(), path));
        }
    }

    private static void add(Map<String, List<Path>> experts, String name, Path folder) {
        checkFolder(folder);
        List<Path> files = listFiles(folder);
        if (files.isEmpty()) {
            throw new InputException("The folder " + folder + " of expert " + name + " holds no mask, ROI set or GeoJSON file."
                + " Save annotations there first, or name another folder.");
        }
        if (experts.put(name, files) != null) {
            throw new InputException("Two folders are named for the expert " + name + ". Give each expert one name.");
        }
    }

    private static void checkFolder(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InputException("There is no folder " + folder + ". Check the name.");
        }
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(path -> !path.getFileName().toString().startsWith(".")).sorted()
                .collect(Collectors.toList());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /**
     * Lists masks, and ROI sets and GeoJSON files that have no mask of the same name beside them: those two are one
     * annotation. Of other files of one name the service says that they cannot be told apart.
     */
    private static List<Path> listFiles(Path folder) {
        Map<String, Path> found = new TreeMap<>();
        Set<String> masks = new HashSet<>();
        for (Set<String> kind : Arrays.asList(MASKS, ROIS)) {
            for (Path path : list(folder)) {
                String name = path.getFileName().toString();
                String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
                String stem = RoiPairing.stem(name).replaceFirst("(?i)_RoiSet$", "");
                boolean isWanted = Files.isRegularFile(path) && kind.contains(extension)
                    && !masks.contains(stem.toLowerCase(Locale.ROOT));
                if (isWanted) {
                    found.put(stem + "/" + name, path);
                }
            }
            found.keySet().forEach(key -> masks.add(key.substring(0, key.indexOf('/')).toLowerCase(Locale.ROOT)));
        }
        return new ArrayList<>(found.values());
    }
}
