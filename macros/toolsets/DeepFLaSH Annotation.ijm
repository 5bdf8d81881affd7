// Tool set "DeepFLaSH Annotation": choose it under >> of the ImageJ tool bar (Fiji: folder macros/toolsets), then
// Start session. Outline an object with polygon, brush or wand, press t, and so on; save with F3, next image with F4.
// What is drawn is kept after every step: Start session with the same folders goes on where one stopped.
// The work is done by call("org.deepflash.Macros.annotate", ...); see README.md.

var prefix = "deepflash.";

macro "Start session Action Tool - C037O5166D88V49a6" { start(); }
macro "Polygon Action Tool - C037L1f5aL5a9cL9cf4Lf482L821f" { setTool("polygon"); }
macro "Brush Action Tool - C037O22bbC059o5555" { useBrush(); }
macro "Brush Action Tool Options" { askBrush(); }
macro "Wand Action Tool - C037L2ed3Lb1f5Lb5f1" { setTool("wand"); }
macro "Class of a ROI (Alt: delete it) Tool - C070O1177C700O7777" { changeAtCursor(); }
macro "Add ROI Action Tool - C070T2d14+" { act("add", ""); }
macro "Undo Action Tool - C700T3d14u" { act("undo", ""); }
macro "Save annotation Action Tool - C037R11ddR41a5R39a6" { save(); }
macro "Previous image Action Tool - Cd28L84e8L8ce8" { previous(); }
macro "Next unlabelled image Action Tool - C037L28e8La4e8Lace8" { next(); }

macro "Start session..." { start(); }
macro "Add ROI by t [t]" { act("add", ""); }
macro "Add ROI [F2]" { act("add", ""); }
macro "Save annotation [F3]" { save(); }
macro "Next image [F4]" { next(); }
macro "Previous image [F5]" { previous(); }
macro "Undo last step [F6]" { act("undo", ""); }
macro "Class of the next ROIs... [F7]" { askClass(); }
macro "Use brush" { useBrush(); }

function start() {
    leaveUnsaved();
    Dialog.create("DeepFLaSH: annotate");
    Dialog.addString("Expert", call("ij.Prefs.get", prefix + "expert", ""), 16);
    Dialog.addString("Class", call("ij.Prefs.get", prefix + "class", "roi"), 16);
    Dialog.addDirectory("Images", call("ij.Prefs.get", prefix + "images", ""));
    Dialog.addDirectory("Output", call("ij.Prefs.get", prefix + "output", ""));
    Dialog.addChoice("Colour_by", newArray("class", "expert"), call("ij.Prefs.get", prefix + "colour_by", "class"));
    Dialog.addCheckbox("Blind (file names hidden, order by the seed)", startsWith(call("ij.Prefs.get", prefix + "blind",
        "false"), "true"));
    Dialog.addNumber("Seed", parseInt(call("ij.Prefs.get", prefix + "seed", "1")), 0, 6, "");
    Dialog.addDirectory("Planes_of_stacks", call("ij.Prefs.get", prefix + "session_planes", ""));
    Dialog.show();
    options = "expert=[" + Dialog.getString() + "] class=[" + Dialog.getString() + "] images=[" + Dialog.getString()
        + "] output=[" + Dialog.getString() + "] colour_by=" + Dialog.getChoice()
        + " planes=[" + Dialog.getString() + "]";
    if (Dialog.getCheckbox()) options = options + " blind";
    act("start", options + " seed=" + d2s(Dialog.getNumber(), 0));
    setTool("polygon");
}

// Does one step; what goes wrong is told in one sentence.
function act(action, options) {
    answer = call("org.deepflash.Macros.annotate", "action=" + action + " " + options);
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    showStatus("DeepFLaSH: " + answer);
    return answer;
}

function next() {
    leaveUnsaved();
    answer = act("next", "");
    if (startsWith(answer, "All ")) showMessage("DeepFLaSH", answer);
}

function previous() {
    leaveUnsaved();
    act("previous", "");
}

function leaveUnsaved() {
    if (nImages == 0) return;
    answer = call("org.deepflash.Macros.annotate", "action=unsaved");
    if (startsWith(answer, "error: ") || startsWith(answer, "0")) return;
    if (getBoolean("The " + answer + " ROIs of this image are not saved as annotation yet.", "Save", "Keep as draft"))
        save();
}

function save() {
    options = "";
    answer = call("org.deepflash.Macros.annotate", "action=save");
    if (indexOf(answer, "No ROI is drawn") > 0) {
        if (!getBoolean("No ROI is drawn. Is there nothing to see in this image?", "Save as empty", "Go on")) return;
        options = " allow_empty";
        answer = call("org.deepflash.Macros.annotate", "action=save" + options);
    }
    // The sentence of the plugin would name the file, which is hidden in blind mode.
    if (indexOf(answer, "exists already and was kept") > 0) {
        if (!getBoolean("This image is annotated already.", "Replace", "Keep the earlier one")) return;
        answer = call("org.deepflash.Macros.annotate", "action=save overwrite" + options);
    }
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    showStatus("DeepFLaSH: " + answer);
}

function askClass() {
    Dialog.create("DeepFLaSH: class");
    Dialog.addString("Class", call("ij.Prefs.get", prefix + "class", "roi"), 16);
    Dialog.show();
    act("class", "class=[" + Dialog.getString() + "]");
}

// A click gives the ROI under it the class that is set; with Alt it is deleted.
function changeAtCursor() {
    getCursorLoc(x, y, z, flags);
    place = "x=" + x + " y=" + y;
    if (flags & 8 != 0) act("delete", place);
    else act("class", place);
}

function useBrush() {
    act("brush", "size=" + call("ij.Prefs.get", prefix + "brush", "15"));
    setTool("brush");
}

function askBrush() {
    size = getNumber("Width of the brush in pixels", parseInt(call("ij.Prefs.get", prefix + "brush", "15")));
    call("ij.Prefs.set", prefix + "brush", d2s(size, 0));
    useBrush();
}
