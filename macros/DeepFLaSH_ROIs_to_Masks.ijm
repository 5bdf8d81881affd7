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

images = valueOf(arguments, "images");
rois = valueOf(arguments, "rois");
output = valueOf(arguments, "output");
expert = valueOf(arguments, "expert");
words = "";
if (hasWord(arguments, "watershed")) words = words + " watershed";
if (hasWord(arguments, "overwrite")) words = words + " overwrite";
if (images == "" || rois == "" || output == "" || expert == "")
    exit("The argument needs images=DIR rois=DIR output=DIR expert=NAME, but it is: " + arguments);

lines = split(call("org.deepflash.Macros.pairRois", "images=[" + images + "] rois=[" + rois + "]"), "\n");
done = 0;
leftOut = 0;
kept = 0;
failed = 0;
for (i = 0; i < lines.length; i++) {
    fields = split(lines[i], "\t");
    if (startsWith(lines[i], "error: ")) exit(substring(lines[i], 7));
    if (fields[0] == "problem") {
        print("DeepFLaSH: left out. " + fields[1]);
        leftOut++;
    }
    if (fields[0] == "pair") {
        answer = call("org.deepflash.Macros.saveAnnotation", "image=[" + fields[1] + "] rois=[" + fields[2]
            + "] output=[" + output + "] expert=[" + expert + "]" + words);
        if (indexOf(answer, "exists already and was kept") > 0) {
            print("DeepFLaSH: kept. " + substring(answer, 7));
            kept++;
        } else if (startsWith(answer, "error: ")) {
            print("DeepFLaSH: failed. " + substring(answer, 7));
            failed++;
        } else {
            print("DeepFLaSH: " + File.getName(fields[1]) + ", " + answer + " ROIs of " + expert);
            done++;
        }
        showProgress(i + 1, lines.length);
    }
}
summary = "" + done + " converted, " + kept + " kept, " + leftOut + " left out, " + failed + " failed";
print("DeepFLaSH: " + summary + "; results in " + output + File.separator + expert);
if (done + kept == 0) exit("No ROI set was converted (" + summary + "). The Log names each file and the reason.");
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
