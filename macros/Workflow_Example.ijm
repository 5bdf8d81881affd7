// The whole way with DeepFLaSH as one macro: from the outlines of several experts to a model, its scores on images
// that it has never seen, and the ROIs, tables and pictures of those images. Runs with or without a display.
//
// Without argument it asks. Argument: data=DIR output=DIR model=NAME [base=NAME] [preset=quick] [epochs=N] [seed=N]
// [retrain], where data holds what `deepflash samples DIR` writes, or your own files in the same folders:
//   train/images/*.tif   train/rois/EXPERT/*_RoiSet.zip   test/images/*.tif   test/truth/*.tif
// A model of that name gets a new version. retrain = mend, save and train once more on top of it (step 10).
//
// Every step is one call with the options that the recorder writes for the menu command of the same name.
// In output: masks, consensus, rois, errors, the model as a package, and scores.csv.

var training;

arguments = getArgument();
if (arguments == "") arguments = askWhat();
checkWords(arguments);
data = valueOf(arguments, "data", "");
output = valueOf(arguments, "output", "");
model = valueOf(arguments, "model", "");
if (data == "" || output == "" || model == "")
    exit("The argument needs data=DIR output=DIR model=NAME, but it is: " + arguments);
base = valueOf(arguments, "base", "new");
training = " preset=" + valueOf(arguments, "preset", "quick") + " epochs=" + valueOf(arguments, "epochs", "0")
    + " seed=" + valueOf(arguments, "seed", "0");
hasDisplay = !matches(getInfo("java.awt.headless"), "true");

// 1. Is the service there? The answer names its version and the device it computes on. With "Start local" ticked
//    in DFL Set Up... it is started if it does not run.
print("Service: " + ask("health", ""));

// 2. The model to begin with: new, or one of the library by its card.
if (base != "new") print(ask("library", "action=info model=[" + base + "]"));

// 3. The experts' ROI sets become label images, paired with the images by name; touching ROIs stay apart.
images = data + "/train/images";
masks = output + "/masks";
experts = getFileList(data + "/train/rois");
for (i = 0; i < experts.length; i++) {
    expert = replace(experts[i], "/", "");
    print(expert + ": " + ask("roisToMasks", "images=[" + images + "] rois=[" + data + "/train/rois/" + expert
        + "] output=[" + masks + "] expert=[" + expert + "] overwrite"));
}

// 4. Does every image have its annotations, and do they fit? The Log tells the sizes, and how well the experts agree.
annotated = "image_folder=[" + images + "] mask_folders=[" + masks + "]";
print("Pairs: " + ask("checkPairs", annotated));

// 5. What most experts marked: the target of the training, as masks to look at.
print("Consensus: " + ask("mergeExperts", annotated + " output_folder=[" + output + "/consensus] method=auto"
    + " min_experts=2 overwrite"));

// 6. Train. The job goes on in the service whatever happens to this macro; Escape cancels it.
print("Best F1 on held-out images: " + train(model, base, annotated));

// 7. The model segments images that it has never seen: ROIs as overlay and ROI set, maps, one table per image. With a
//    display the ROIs are in the ROI Manager too, beside those that were there.
setBatchMode(true);
unseen = data + "/test/images/";
names = getFileList(unseen);
rois = output + "/rois";
wishes = "labels probability table overwrite output_folder=[" + rois + "]";
if (hasDisplay) wishes = wishes + " add_to_manager";
total = 0;
for (i = 0; i < names.length; i++) {
    id = openImage(unseen + names[i]);
    found = ask("segment", "image=" + id + " model=[" + model + "] " + wishes);
    print(names[i] + ": " + found + " ROIs");
    total = total + parseInt(found);
    selectImage(id);
    saveAs("Tiff", rois + "/" + File.getNameWithoutExtension(names[i]) + "_overlay.tif");
    close();
}

// 8. How good is it? Compared with the truth that no training has seen, per image in the table DeepFLaSH Evaluation.
truth = data + "/test/truth";
scores = ask("evaluate", "prediction=[" + rois + "] truth=[" + truth + "] level=both iou_match=0.5");
print("Scores on unseen images:\n" + scores);
File.saveString("score,value\n" + replace(scores, "=", ",") + "\n", output + "/scores.csv");

// 9. Where is it wrong? White both, magenta model only, green expert only. Area and intensity of every ROI are in
//    the tables of step 7; DFL Measure ROIs... measures ROIs that were mended by hand.
for (i = 0; i < names.length; i++) {
    stem = File.getNameWithoutExtension(names[i]);
    ask("showErrors", "prediction=[" + rois + "/" + stem + "_labels.tif] truth=[" + truth + "/" + stem
        + ".tif] output=[" + output + "/errors/" + stem + ".tif] overwrite");
}

// 10. Correct and retrain: the ROIs of the unseen images, here as they are, are saved as an expert would after mending
//     them, and the model goes on learning from them: its next version. (These images are then no longer unseen.)
if (indexOf(" " + arguments + " ", " retrain ") >= 0) {
    ask("roisToMasks", "images=[" + unseen + "] rois=[" + rois + "] output=[" + output + "/corrected] expert=corrected"
        + " overwrite");
    print("After correction, F1 on held-out images: " + train(model, model, "image_folder=[" + unseen
        + "] mask_folders=[" + output + "/corrected]"));
}

// 11. Take the model away, or give it to another lab: DFL Model Library... imports the package.
print(ask("library", "action=export model=[" + model + "] file=[" + output + "] overwrite"));

setBatchMode(false);
if (hasDisplay) {
    open(rois + "/" + File.getNameWithoutExtension(names[0]) + "_overlay.tif");
    open(output + "/errors/" + File.getNameWithoutExtension(names[0]) + ".tif");
}
return "" + total + " ROIs in " + names.length + " images";

// Calls a function of the plugin; what goes wrong ends the macro with its sentence.
function ask(name, options) {
    answer = call("org.deepflash.Macros." + name, options);
    if (startsWith(answer, "error: ")) exit(substring(answer, 7));
    return answer;
}

// Trains, tells each epoch, and gives back the F1 on held-out images.
function train(name, start, annotated) {
    call("org.deepflash.Macros.extensions");
    job = ask("train", "model=[" + name + "] base=[" + start + "] " + annotated + " consensus=auto" + training);
    told = -1;
    do {
        Ext.dflWait(job, 2, state);
        Ext.dflProgress(job, state, epoch, epochs, loss, jaccard);
        if (epoch != told) print("  epoch " + epoch + " of " + epochs + ", loss " + loss + ", ROI Jaccard " + jaccard);
        told = epoch;
    } while (state == "queued" || state == "running" || state == "stopping");
    if (state != "done") {
        Ext.dflLastError(sentence);
        exit("The training " + job + " ended as " + state + ". " + sentence);
    }
    Ext.dflMetric(job, "f1", value);
    if (isNaN(value)) return "unknown, as no image was held out";
    return d2s(value, 3);
}

function openImage(path) {
    before = nImages;
    open(path);
    if (nImages == before) exit(path + " cannot be opened as an image.");
    return getImageID();
}

function askWhat() {
    Dialog.create("DeepFLaSH: the whole workflow");
    Dialog.addDirectory("Data (train and test)", "");
    Dialog.addDirectory("Output", "");
    Dialog.addString("Model", "my_cells", 20);
    Dialog.addChoice("Preset", newArray("quick", "standard", "best"));
    Dialog.show();
    return "data=[" + Dialog.getString() + "] output=[" + Dialog.getString() + "] model=[" + Dialog.getString()
        + "] preset=" + Dialog.getChoice();
}

// Ends the macro at a word that it does not know: a typing error must not go unnoticed.
function checkWords(text) {
    known = "data= output= model= base= preset= epochs= seed= retrain";
    words = split(replace(text + " ", "=\\[[^\\]]*\\]\\s", "=value "), " \t\n\r");
    for (i = 0; i < words.length; i++) {
        if (indexOf(words[i], "=[") >= 0)
            exit("A bracket of the argument is open: " + words[i] + ". Close it with ] before the next word.");
        key = substring(words[i], 0, indexOf(words[i] + "=", "="));
        if (indexOf(words[i], "=") >= 0) key = key + "=";
        if (indexOf(" " + known + " ", " " + key + " ") < 0)
            exit("Unknown word " + words[i] + ". Known are " + known + ". Values with blanks stand in brackets, as in"
                + " output=[C:/my results].");
    }
}

// The value of key=value or key=[value with blanks] in the argument, without a slash at its end.
function valueOf(text, key, missing) {
    text = " " + text + " ";
    start = indexOf(text, " " + key + "=");
    if (start < 0) return missing;
    start = start + lengthOf(key) + 2;
    end = indexOf(text, " ", start);
    if (substring(text, start, start + 1) == "[") {
        start = start + 1;
        end = indexOf(text, "]", start);
    }
    value = replace(substring(text, start, end), "\\\\", "/");
    if (endsWith(value, "/")) value = substring(value, 0, lengthOf(value) - 1);
    return value;
}
