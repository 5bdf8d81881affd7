// Segments every image of a folder with a DeepFLaSH model and saves what was found beside a summary.
//
// Without argument a dialog asks. With one there is no dialog, and no display is needed:
//   images=DIR output=DIR model=NAME [threshold=0.5] [min_roi_size=20] [channel=1] [planes=all]
//   [mask] [labels] [probability] [overwrite]
// planes: all if absent, current (the first one) or [max projection]. Images of several channels need a channel.
// Per image: NAME_RoiSet.zip, NAME_rois.csv and, for the words given, NAME_mask.tif, NAME_labels.tif and
// NAME_probability.tif; for all images summary.csv with one row per image and the reason where one failed. Images
// whose results exist are kept unless overwrite is given, and open images are left alone. Needs the plugin and
// a running service.

arguments = getArgument();
if (arguments == "") arguments = askUser();

result = call("org.deepflash.Macros.segmentFolder", arguments);
if (startsWith(result, "error: ")) exit(substring(result, 7));
print("DeepFLaSH: " + result);
return result;

function askUser() {
    models = split(call("org.deepflash.Macros.models", ""), "\n");
    if (models.length == 0) exit("The library has no model yet. Train or import one first.");
    if (startsWith(models[0], "error: ")) exit(substring(models[0], 7));
    Dialog.create("DeepFLaSH: segment a folder");
    Dialog.addChoice("Model", models);
    Dialog.addDirectory("Images", "");
    Dialog.addDirectory("Output", "");
    Dialog.addString("Channel (empty = the only one)", "");
    Dialog.addChoice("Planes", newArray("all", "current", "max projection"));
    Dialog.addCheckbox("Labels", true);
    Dialog.addCheckbox("Overwrite earlier results", false);
    Dialog.show();
    text = "model=[" + Dialog.getChoice() + "] images=[" + Dialog.getString() + "] output=[" + Dialog.getString() + "]";
    text = text + " channel=[" + Dialog.getString() + "] planes=[" + Dialog.getChoice() + "]";
    if (Dialog.getCheckbox()) text = text + " labels";
    if (Dialog.getCheckbox()) text = text + " overwrite";
    return text;
}
