// Segments every image of a folder with a DeepFLaSH model and saves what was found beside a summary.
//
// Without argument a dialog asks. With one there is no dialog, and no display is needed:
//   images=DIR output=DIR model=NAME [threshold=0.5] [min_roi_size=20] [channel=1] [planes=all]
//   [mask] [labels] [probability] [overwrite]
// Per image: NAME_RoiSet.zip, NAME_rois.csv and, for the words given, NAME_mask.tif, NAME_labels.tif and
// NAME_prob.tif; for all images summary.csv with one row per image and the reason where one failed. Images
// whose results exist are skipped unless overwrite is given. Needs the plugin and a running service.

arguments = getArgument();
if (arguments == "") arguments = askUser();
images = valueOf(arguments, "images");
output = valueOf(arguments, "output");
model = valueOf(arguments, "model");
if (images == "" || output == "" || model == "")
    exit("The argument needs images=DIR output=DIR model=NAME, but it is: " + arguments);
if (!File.isDirectory(images)) exit("There is no folder " + images + ". Check the name.");
health = call("org.deepflash.Macros.health", "");
if (startsWith(health, "error: ")) exit(substring(health, 7));

options = "output_folder=[" + output + "] table model=[" + model + "]";
keys = newArray("threshold", "min_roi_size", "channel", "planes");
for (i = 0; i < keys.length; i++) {
    value = valueOf(arguments, keys[i]);
    if (value != "") options = options + " " + keys[i] + "=[" + value + "]";
}
words = newArray("mask", "labels", "probability", "overwrite");
for (i = 0; i < words.length; i++)
    if (hasWord(arguments, words[i])) options = options + " " + words[i];

setBatchMode(true);
names = getFileList(images);
summary = "Image,ROIs,Error\n";
done = 0;
failed = 0;
for (i = 0; i < names.length; i++) {
    if (matches(toLowerCase(names[i]), ".*\\.(tif|tiff|png|jpg|gif|bmp)")) {
        open(images + File.separator + names[i]);
        answer = call("org.deepflash.Macros.segment", options);
        if (startsWith(answer, "error: ")) {
            print("DeepFLaSH: failed. " + names[i] + ": " + substring(answer, 7));
            summary = summary + names[i] + ",,\"" + replace(substring(answer, 7), "\"", "'") + "\"\n";
            failed++;
        } else {
            print("DeepFLaSH: " + names[i] + ", " + answer + " ROIs");
            summary = summary + names[i] + "," + answer + ",\n";
            done++;
        }
        close();
    }
    showProgress(i + 1, names.length);
}
if (!File.isDirectory(output)) File.makeDirectory(output);
File.saveString(summary, output + File.separator + "summary.csv");
result = "" + done + " segmented, " + failed + " failed";
print("DeepFLaSH: " + result + "; results in " + output);
if (done == 0) exit("No image was segmented (" + result + "). The Log names each file and the reason.");
return result;

function askUser() {
    models = split(call("org.deepflash.Macros.models", ""), "\n");
    if (models.length == 0) exit("The library has no model yet. Train or import one first.");
    if (startsWith(models[0], "error: ")) exit(substring(models[0], 7));
    Dialog.create("DeepFLaSH: segment a folder");
    Dialog.addChoice("Model", models);
    Dialog.addDirectory("Images", "");
    Dialog.addDirectory("Output", "");
    Dialog.addCheckbox("Labels", true);
    Dialog.addCheckbox("Overwrite earlier results", false);
    Dialog.show();
    text = "model=[" + Dialog.getChoice() + "] images=[" + Dialog.getString() + "] output=[" + Dialog.getString() + "]";
    if (Dialog.getCheckbox()) text = text + " labels";
    if (Dialog.getCheckbox()) text = text + " overwrite";
    return text;
}

// The value of key=value or key=[value with blanks] in the argument, "" if it is not there.
function valueOf(text, key) {
    text = " " + text + " ";
    start = indexOf(text, " " + key + "=");
    if (start < 0) return "";
    start = start + lengthOf(key) + 2;
    if (substring(text, start, start + 1) == "[") return substring(text, start + 1, indexOf(text, "]", start));
    return substring(text, start, indexOf(text, " ", start));
}

function hasWord(text, word) {
    found = indexOf(" " + text + " ", " " + word + " ") >= 0;
    return found;
}
