package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.gui.Toolbar;
import ij.plugin.MacroInstaller;
import java.awt.GraphicsEnvironment;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionText;

/** {@code DFL Annotate...}: puts the annotation tools into the tool bar and opens the first image to annotate. */
public final class Annotate extends Command {

    /** The macro keys. */
    static final Set<String> KEYS = Collections.unmodifiableSet(new HashSet<>(Arrays.asList("expert", "class",
        "image_folder", "output_folder", "colour_by", "brush", "blind", "seed")));

    private static final String PREFIX = "deepflash.";
    private static final String TOOLS = "/macros/toolsets/DeepFLaSH Annotation.ijm";

    @Override
    void runWithDialog() throws IOException {
        GenericDialog dialog = new GenericDialog("DFL Annotate");
        dialog.addStringField("Expert", Prefs.get(PREFIX + "expert", ""), 20);
        dialog.addStringField("Class", Prefs.get(PREFIX + "class", "roi"), 20);
        dialog.addDirectoryField("Image_folder", Prefs.get(PREFIX + "images", ""), 36);
        dialog.addDirectoryField("Output_folder", Prefs.get(PREFIX + "output", ""), 36);
        dialog.addChoice("Colour_by", new String[] {"class", "expert"}, Prefs.get(PREFIX + "colour_by", "class"));
        dialog.addStringField("Brush", Prefs.get(PREFIX + "brush", "15"), 8);
        dialog.addCheckbox("Blind: file names hidden, order by the seed", Prefs.get(PREFIX + "blind", false));
        dialog.addStringField("Seed", Prefs.get(PREFIX + "seed", "1"), 8);
        dialog.addMessage("Outline an object and press t to add it; F3 saves, F4 opens the next image, F6 undoes.\n"
            + "Brush in pixels. DFL Train... takes the output folder as its mask folder.");
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            throw Failures.cancel();
        }
        OptionText options = OptionText.parse("").with("expert", dialog.getNextString().trim())
            .with("class", dialog.getNextString().trim()).with("image_folder", dialog.getNextString().trim())
            .with("output_folder", dialog.getNextString().trim()).with("colour_by", dialog.getNextChoice())
            .with("brush", dialog.getNextString().trim());
        options = dialog.getNextBoolean() ? options.with("blind", "true") : options;
        IJ.showStatus("DeepFLaSH: " + annotate(options.with("seed", dialog.getNextString().trim())));
    }

    @Override
    void runWith(OptionText options) throws IOException {
        options.allowOnly(KEYS);
        IJ.log("DeepFLaSH: " + annotate(options));
    }

    private static String annotate(OptionText options) throws IOException {
        int brush = options.getInt("brush", 15);
        if (brush < 1) {
            throw new InputException("brush=" + brush + " is no width. Give a number of pixels from 1.");
        }
        OptionText session = options.without("brush").without("image_folder").without("output_folder")
            .with("action", "start").with("images", options.need("image_folder"))
            .with("output", options.need("output_folder"));
        String place = AnnotationActions.act(session);
        Prefs.set(PREFIX + "brush", String.valueOf(brush));
        if (!GraphicsEnvironment.isHeadless()) {
            new MacroInstaller().install(readTools());
            Toolbar.setBrushSize(brush);
            IJ.setTool("polygon");
        }
        return place;
    }

    private static String readTools() throws IOException {
        try (InputStream stream = Annotate.class.getResourceAsStream(TOOLS)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
                bytes.write(buffer, 0, count);
            }
            return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        }
    }
}
