// Turns a folder of ImageJ ROI sets into 16-bit label images, each of the size of its own image.
//
// Images and ROI sets are paired by name (0001.tif with 0001_RoiSet.zip or 0001.roi), never by their order.
// Touching ROIs keep labels of their own, so they stay apart. Where ROIs overlap, the later one of the set wins;
// ROIs that are covered altogether are named in the Log.
//
// Without argument a dialog asks. With one there is no dialog, and no display is needed:
//   images=DIR rois=DIR output=DIR expert=NAME [watershed] [overwrite]
// Folders with blanks stand in brackets: images=[C:/my images/]. The words:
//   watershed   splits ROIs at their necks, as Process > Binary > Watershed does
//   overwrite   replaces results of an earlier run; without it they are kept
// Result: output/expert/NAME.tif and output/expert/NAME_RoiSet.zip. Needs the DeepFLaSH plugin.

arguments = getArgument();
if (arguments == "") arguments = askUser();

summary = call("org.deepflash.Macros.roisToMasks", arguments);
if (startsWith(summary, "error: ")) exit(substring(summary, 7));
print("DeepFLaSH: " + summary);
return summary;

function askUser() {
    Dialog.create("DeepFLaSH: ROI sets to masks");
    Dialog.addDirectory("Images", "");
    Dialog.addDirectory("ROI sets", "");
    Dialog.addDirectory("Output", "");
    Dialog.addString("Expert", call("ij.Prefs.get", "deepflash.expert", "expert_1"), 16);
    Dialog.addCheckbox("Watershed (split touching cells inside a ROI)", false);
    Dialog.addCheckbox("Overwrite earlier results", false);
    Dialog.show();
    text = "images=[" + Dialog.getString() + "] rois=[" + Dialog.getString() + "] output=[" + Dialog.getString() + "]";
    name = Dialog.getString();
    call("ij.Prefs.set", "deepflash.expert", name);
    text = text + " expert=[" + name + "]";
    if (Dialog.getCheckbox()) text = text + " watershed";
    if (Dialog.getCheckbox()) text = text + " overwrite";
    return text;
}
