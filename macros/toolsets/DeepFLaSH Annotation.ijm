// Tool set "DeepFLaSH Annotation": choose it under >> of the ImageJ tool bar (Fiji: folder macros/toolsets).
// Outline an object with polygon, brush or wand, add it, save, go on with the next image. The expert's name
// and the output folder are asked for once.

var expert = call("ij.Prefs.get", "deepflash.expert", "");
var output = call("ij.Prefs.get", "deepflash.output", "");

macro "Polygon Action Tool - C037L1f5aL5a9cL9cf4Lf482L821f" { setTool("polygon"); }
macro "Brush Action Tool - C037O22bbC059o5555" { setTool("brush"); }
macro "Wand Action Tool - C037L2ed3Lb1f5Lb5f1" { setTool("wand"); }
macro "Add ROI to the ROI Manager Action Tool - C070T2d14+" { addRoi(); }
macro "Undo last ROI Action Tool - C700T3d14-" { undoRoi(); }
macro "Save annotation Action Tool - C037R11ddR41a5R39a6" { saveAnnotation(); }
macro "Next image Action Tool - C037L28e8La4e8Lace8" { openNext(); }
macro "Expert and folder Action Tool - C037O5166D88V49a6" { askWho(); }

macro "Add ROI [F2]" { addRoi(); }
macro "Save annotation [F3]" { saveAnnotation(); }
macro "Next image [F4]" { openNext(); }

function addRoi() {
    if (nImages == 0) exit("No image is open. Open one and run the command again.");
    if (selectionType() < 0) exit("Nothing is outlined. Draw around an object first.");
    if (selectionType() > 4 && selectionType() != 9) exit("Lines and points enclose no area. Outline the object.");
    roiManager("add");
    roiManager("show all");
    run("Select None");
}

function undoRoi() {
    count = roiManager("count");
    if (count == 0) exit("The ROI Manager holds no ROI.");
    roiManager("select", count - 1);
    roiManager("delete");
    run("Select None");
}

function askWho() {
    Dialog.create("DeepFLaSH: who annotates?");
    Dialog.addString("Expert", expert, 16);
    Dialog.addDirectory("Output", output);
    Dialog.show();
    expert = Dialog.getString();
    output = Dialog.getString();
    call("ij.Prefs.set", "deepflash.expert", expert);
    call("ij.Prefs.set", "deepflash.output", output);
}

function saveAnnotation() {
    if (nImages == 0) exit("No image is open. Open one and run the command again.");
    if (expert == "" || output == "") askWho();
    options = "output=[" + output + "] expert=[" + expert + "]";
    answer = call("org.deepflash.Macros.saveAnnotation", options);
    if (indexOf(answer, "exists already and was kept") > 0) {
        if (!getBoolean(substring(answer, 7) + "\n \nReplace the earlier annotation?")) return;
        answer = call("org.deepflash.Macros.saveAnnotation", options + " overwrite");
    }
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    showStatus("DeepFLaSH: " + answer + " ROIs of " + expert + " saved");
}

function openNext() {
    if (nImages == 0) exit("No image is open. Open the first image of the folder.");
    if (expert == "" || output == "") askWho();
    isSaved = File.exists(output + File.separator + expert + File.separator
        + File.getNameWithoutExtension(getInfo("image.filename")) + ".tif");
    if (roiManager("count") > 0 && !isSaved) {
        if (getBoolean("The ROIs of this image are not saved yet. Save them?")) saveAnnotation();
    }
    folder = getDirectory("image");
    names = getFileList(folder);
    isBehind = false;
    for (i = 0; i < names.length; i++) {
        isImage = matches(toLowerCase(names[i]), ".*\\.(tif|tiff|png|jpg|gif|bmp)");
        isDone = File.exists(output + File.separator + expert + File.separator
            + File.getNameWithoutExtension(names[i]) + ".tif");
        if (isBehind && isImage && !isDone) {
            close();
            if (roiManager("count") > 0) roiManager("reset");
            open(folder + names[i]);
            return;
        }
        if (names[i] == getInfo("image.filename")) isBehind = true;
    }
    showMessage("DeepFLaSH", "All images behind this one are annotated by " + expert + ".");
}
