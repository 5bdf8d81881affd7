#@ String (label = "Model", value = "my_cells") model
#@ File (label = "Images", style = "directory") images
#@ File (label = "Results", style = "directory") folder

# Jython, for Fiji's Script Editor: segments all images of a folder and counts their ROIs.
# Needs only the DeepFLaSH jar in the plugins folder, and a running service.

import os

from ij import IJ, WindowManager
from org.deepflash import Macros


def ask(function, options):
    answer = function(options)
    if answer.startswith("error: "):
        raise RuntimeError(answer[len("error: "):])
    return answer


counts = []
for name in sorted(os.listdir(images.getPath())):
    if not name.lower().endswith((".tif", ".tiff")):
        continue
    image = IJ.openImage(os.path.join(images.getPath(), name))
    WindowManager.setTempCurrentImage(image)
    count = int(ask(Macros.segment, "model=[%s]" % model))
    IJ.saveAsTiff(image, os.path.join(folder.getPath(), os.path.splitext(name)[0] + "_overlay.tif"))
    image.changes = False
    image.close()
    counts.append("%s,%d" % (name, count))
    print("%s: %d ROIs" % (name, count))

with open(os.path.join(folder.getPath(), "counts.csv"), "w") as table:
    table.write("\n".join(["image,rois"] + counts) + "\n")
