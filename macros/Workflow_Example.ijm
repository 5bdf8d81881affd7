// What a lab does with DeepFLaSH inside Fiji, as one macro: masks from the experts' ROI sets, then ROIs of
// unseen images from a model. Agreement, training and evaluation are done by the service; see the tutorial.
//
// argument: data=DIR output=DIR model=NAME, where data holds what `deepflash samples DIR` writes and model is
// the name that `deepflash train` gave. Runs with or without a display.

arguments = getArgument();
data = valueOf(arguments, "data");
output = valueOf(arguments, "output");
model = valueOf(arguments, "model");
if (data == "" || output == "" || model == "")
    exit("The argument needs data=DIR output=DIR model=NAME, but it is: " + arguments);

// 1. Is the service there? The answer names its version and the device it computes on.
health = call("org.deepflash.Macros.health", "");
if (startsWith(health, "error: ")) exit(substring(health, 7));
print("Service: " + health);

// 2. Each expert's ROI sets become label images, paired with the images by name.
rois = data + File.separator + "train" + File.separator + "rois";
experts = getFileList(rois);
for (i = 0; i < experts.length; i++) {
    expert = replace(experts[i], "/", "");
    options = "images=[" + data + File.separator + "train" + File.separator + "images] rois=[" + rois
        + File.separator + expert + "] output=[" + output + File.separator + "masks] expert=[" + expert + "] overwrite";
    answer = call("org.deepflash.Macros.roisToMasks", options);
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    print(expert + ": " + answer);
}

// 3. The model segments the images that it has never seen. ROIs come back as overlay, ROI set and table.
setBatchMode(true);
folder = data + File.separator + "test" + File.separator + "images" + File.separator;
names = getFileList(folder);
total = 0;
for (i = 0; i < names.length; i++) {
    before = nImages;
    open(folder + names[i]);
    if (nImages == before) exit(folder + names[i] + " cannot be opened as an image.");
    id = getImageID();
    options = "image=" + id + " " + "model=[" + model + "] table output_folder=[" + output + File.separator + "rois] overwrite";
    answer = call("org.deepflash.Macros.segment", options);
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    print(names[i] + ": " + answer + " ROIs");
    total = total + parseInt(answer);
    selectImage(id);
    saveAs("Tiff", output + File.separator + File.getNameWithoutExtension(names[i]) + "_overlay.tif");
    close();
}
return "" + total + " ROIs in " + names.length + " images";

// The value of key=value or key=[value with blanks] in the argument, "" if it is not there.
function valueOf(text, key) {
    text = " " + text + " ";
    start = indexOf(text, " " + key + "=");
    if (start < 0) return "";
    start = start + lengthOf(key) + 2;
    if (substring(text, start, start + 1) == "[") return substring(text, start + 1, indexOf(text, "]", start));
    return substring(text, start, indexOf(text, " ", start));
}
