// Annotates one image: outline the objects, then save label image and ROI set under the expert's name.
//
// Without argument: opens an image if none is open, asks for expert and folder, lets you draw, saves, and
// offers the next image of the folder. Outline an object (polygon, freehand, brush or wand) and press t to
// add it to the ROI Manager; press OK in the little window when the image is finished.
//
// With an argument there is no dialog, and no display is needed:
//   image=FILE rois=FILE output=DIR expert=NAME [watershed] [overwrite]
// takes the outlines from an ImageJ ROI set (.zip or .roi). Without image= it is the current image, without
// rois= the outlines are those of the ROI Manager, else of the overlay. images=DIR rois=DIR converts whole
// folders, as DeepFLaSH_ROIs_to_Masks.ijm does.
//
// Result: output/expert/NAME.tif (16-bit label image: touching ROIs stay apart) and NAME_RoiSet.zip.
// Nothing is replaced without the word overwrite. Needs the DeepFLaSH plugin.

arguments = getArgument();
if (arguments == "") {
    annotateByHand();
    return "";
}
if (indexOf(" " + arguments, " images=") >= 0)
    answer = call("org.deepflash.Macros.roisToMasks", arguments);
else
    answer = call("org.deepflash.Macros.saveAnnotation", arguments) + " ROIs saved";
if (startsWith(answer, "error: ")) exit(replace(substring(answer, 7), " ROIs saved", ""));
print("DeepFLaSH: " + answer);
return answer;

function annotateByHand() {
    if (nImages == 0) open(File.openDialog("Choose an image to annotate"));
    Dialog.create("DeepFLaSH: annotate");
    Dialog.addString("Expert", call("ij.Prefs.get", "deepflash.expert", "expert_1"), 16);
    Dialog.addDirectory("Output", call("ij.Prefs.get", "deepflash.output", getDirectory("image")));
    Dialog.addCheckbox("Watershed (split touching cells inside a ROI)", false);
    Dialog.show();
    expert = Dialog.getString();
    output = Dialog.getString();
    words = "";
    if (Dialog.getCheckbox()) words = " watershed";
    call("ij.Prefs.set", "deepflash.expert", expert);
    call("ij.Prefs.set", "deepflash.output", output);
    isGoing = true;
    while (isGoing) {
        annotateImage(output, expert, words);
        isGoing = openNextImage(output, expert);
    }
}

function annotateImage(output, expert, words) {
    if (roiManager("count") > 0) {
        if (getBoolean("The ROI Manager holds " + roiManager("count") + " ROIs. Do they belong to this image?", "Keep",
            "Remove") == 0) roiManager("reset");
    }
    setTool("polygon");
    waitForUser("DeepFLaSH: " + getTitle(), "Outline each object and press t to add it.\nThen press OK to save.");
    if (roiManager("count") == 0) {
        showMessage("DeepFLaSH", "No ROI was added, so nothing was saved.");
        return;
    }
    options = "output=[" + output + "] expert=[" + expert + "]" + words;
    answer = call("org.deepflash.Macros.saveAnnotation", options);
    if (indexOf(answer, "exists already and was kept") > 0) {
        if (getBoolean(substring(answer, 7) + "\n \nReplace the earlier annotation?"))
            answer = call("org.deepflash.Macros.saveAnnotation", options + " overwrite");
        else
            return;
    }
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    print("DeepFLaSH: " + getTitle() + ", " + answer + " ROIs of " + expert + " saved");
    roiManager("reset");
}

// Opens the next image of the folder that this expert has not annotated; false when there is none.
function openNextImage(output, expert) {
    folder = getDirectory("image");
    names = getFileList(folder);
    isBehind = false;
    for (i = 0; i < names.length; i++) {
        isImage = matches(toLowerCase(names[i]), ".*\\.(tif|tiff|png|jpg|gif|bmp)");
        isDone = File.exists(output + File.separator + expert + File.separator
            + File.getNameWithoutExtension(names[i]) + ".tif");
        if (isBehind && isImage && !isDone) {
            if (getBoolean("Go on with " + names[i] + "?") == 0) return false;
            close();
            open(folder + names[i]);
            return true;
        }
        if (names[i] == getInfo("image.filename")) isBehind = true;
    }
    showMessage("DeepFLaSH", "All images of the folder are annotated by " + expert + ".");
    return false;
}
