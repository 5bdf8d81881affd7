package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.macro.ExtensionDescriptor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.deepflash.Macros;
import org.deepflash.records.ConnectionSettings;
import org.deepflash.records.SegmentSettings;
import org.deepflash.records.TrainSettings;
import org.junit.jupiter.api.Test;

/** Every command of the menu and each of its macro keys is told in macros/README.md. */
class CommandKeysTest {

    private static final Path README = Paths.get("..", "macros", "README.md");

    private static Map<String, Set<String>> keys() {
        Map<String, Set<String>> keys = new LinkedHashMap<>();
        keys.put("DFL Segment...", SegmentSettings.KEYS);
        keys.put("DFL Segment Folder...", SegmentFolder.KEYS);
        keys.put("DFL Set Up...", ConnectionSettings.KEYS);
        keys.put("DFL Model Library...", ModelActions.KEYS);
        keys.put("DFL Train...", TrainSettings.KEYS);
        keys.put("DFL Annotate...", Annotate.KEYS);
        keys.put("DFL Correct and Retrain...", CorrectAndRetrain.KEYS);
        keys.put("DFL Save Annotation...", SaveAnnotation.KEYS);
        keys.put("DFL Check Pairs...", CheckPairs.KEYS);
        keys.put("DFL Merge Experts...", MergeExperts.KEYS);
        keys.put("DFL Evaluate...", Evaluate.KEYS);
        keys.put("DFL Show Errors...", ShowErrors.KEYS);
        keys.put("DFL Measure ROIs...", MeasureRois.KEYS);
        keys.put("DFL Report a Problem", ReportProblem.KEYS);
        keys.put("DFL Jobs...", JobActions.KEYS);
        keys.put("DFL Training Monitor", TrainingMonitor.KEYS);
        return keys;
    }

    private static String readme() throws IOException {
        return new String(Files.readAllBytes(README), StandardCharsets.UTF_8);
    }

    private static List<String> commands() throws IOException {
        try (InputStream stream = CommandKeysTest.class.getResourceAsStream("/plugins.config");
                BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            return lines.lines().filter(line -> line.startsWith("Plugins>")).map(line -> line.split("\"")[1])
                .collect(Collectors.toList());
        }
    }

    @Test
    void everyKeyIsDocumented() throws IOException {
        String text = readme();
        List<String> missing = new ArrayList<>();
        keys().forEach((command, names) -> names.stream()
            .filter(name -> !text.contains("`" + name + "`") && !text.contains("`" + name + "="))
            .forEach(name -> missing.add(command + " " + name)));
        assertEquals("[]", missing.toString());
    }

    /** Functions of macros without a menu command. */
    @Test
    void everyKeyOfAnnotateAndEveryFunctionIsDocumented() throws IOException {
        String text = readme();
        for (String key : AnnotationActions.KEYS) {
            assertTrue(text.contains("`" + key + "`"), key);
        }
        for (Method method : Macros.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && method.getParameterCount() > 0) {
                assertTrue(text.contains("`" + method.getName() + "`"), method.getName());
            }
        }
    }

    @Test
    void everyCommandIsDocumentedAndUniqueInFiji() throws IOException {
        String text = readme();
        List<String> commands = commands();
        assertEquals(commands.size(), new HashSet<>(commands).size());
        for (String command : commands) {
            assertTrue(command.startsWith("DFL "), command);
            assertTrue(text.contains(command), command + " is missing in " + README);
        }
        assertTrue(commands.containsAll(keys().keySet()));
    }

    @Test
    void theWindowsOfTheMenuTellEachCommandAndEachFunction() throws IOException {
        String help = Help.read(Help.TEXT);
        for (String command : commands()) {
            assertTrue(help.contains(" " + command + " "), command + " is missing in " + Help.TEXT);
        }
        String functions = Help.read(MacroExtensions.FUNCTIONS);
        for (ExtensionDescriptor function : new MacroExtensions().getExtensionFunctions()) {
            assertTrue(functions.contains("Ext." + function.name + "("), function.name);
        }
    }

    @Test
    void keysAreWordsThatTheRecorderWrites() {
        keys().values().forEach(names -> names.forEach(name -> assertTrue(name.matches("[a-z][a-z0-9_]*"), name)));
    }
}
