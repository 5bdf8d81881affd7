package org.deepflash.fiji;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deepflash.records.InputException;

/** Which files of a folder a command works on. */
public final class FolderFiles {

    private static final Pattern RESULT = Pattern.compile("(.+)_(mask|labels|prob|probability)\\.tif");

    private FolderFiles() {
    }

    /**
     * Lists images, sorted by folder and name; what lies in the output folder is no input.
     *
     * @param filter part of the name, or a pattern with * and ?; empty = all; upper and lower case are the same
     * @param isRecursive also in the folders inside
     * @param output folder of the results, which may be the same or lie inside
     * @param suffix what stands in the names of the results after the name of the image
     * @throws InputException if a folder is missing or holds no such image
     */
    public static List<Path> list(Path folder, String filter, boolean isRecursive, Path output, String suffix) {
        List<Path> found = new ArrayList<>();
        for (Path inner : isRecursive ? walk(folder, output) : listSingle(folder)) {
            List<Path> images = RoiPairing.listImages(inner);
            boolean mayHoldResults = normal(output).equals(normal(folder));
            found.addAll(mayHoldResults ? withoutResults(images, suffix) : images);
        }
        if (found.isEmpty()) {
            throw new InputException("There is no image in " + folder + ". Name the folder that holds the images.");
        }
        Pattern wanted = toPattern(filter);
        List<Path> chosen = found.stream().filter(file -> wanted.matcher(name(file)).find())
            .collect(Collectors.toList());
        if (chosen.isEmpty()) {
            throw new InputException("None of the " + found.size() + " images in " + folder + " has a name like "
                + filter + ". Write part of the name, or a pattern such as *_c1.tif.");
        }
        return chosen;
    }

    private static List<Path> listSingle(Path folder) {
        List<Path> single = new ArrayList<>();
        single.add(folder);
        return single;
    }

    private static List<Path> walk(Path folder, Path output) {
        // A missing folder gets the sentence of the listing.
        if (!Files.isDirectory(folder)) {
            return listSingle(folder);
        }
        boolean isInside = normal(output).startsWith(normal(folder)) && !normal(output).equals(normal(folder));
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.filter(Files::isDirectory).filter(path -> !isHidden(folder.relativize(path)))
                .filter(path -> !(isInside && normal(path).startsWith(normal(output)))).sorted()
                .collect(Collectors.toList());
        } catch (IOException | UncheckedIOException error) {
            throw new InputException("The folder " + folder + " cannot be read (" + error.getMessage() + ").");
        }
    }

    private static boolean isHidden(Path relative) {
        for (Path part : relative) {
            if (part.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }

    private static List<Path> withoutResults(List<Path> images, String suffix) {
        Set<String> stems = new HashSet<>();
        images.forEach(image -> stems.add(RoiPairing.stem(name(image)) + suffix));
        return images.stream().filter(image -> {
            Matcher result = RESULT.matcher(name(image));
            return !(result.matches() && stems.contains(result.group(1)));
        }).collect(Collectors.toList());
    }

    private static Pattern toPattern(String filter) {
        boolean isPlain = filter.indexOf('*') < 0 && filter.indexOf('?') < 0;
        StringBuilder text = new StringBuilder();
        for (char sign : filter.toLowerCase(Locale.ROOT).toCharArray()) {
            text.append(sign == '*' ? ".*" : sign == '?' ? "." : Pattern.quote(String.valueOf(sign)));
        }
        return Pattern.compile(isPlain ? text.toString() : "^" + text + "$",
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
    }

    private static Path normal(Path path) {
        return path.toAbsolutePath().normalize();
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }
}
