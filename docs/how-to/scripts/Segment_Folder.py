#@ String (label = "Model", value = "my_cells") model
#@ File (label = "Images", style = "directory") images
#@ File (label = "Results", style = "directory") folder

# Jython, for Fiji's Script Editor: segments all images of a folder and counts their ROIs.
# Needs only the DeepFLaSH jar in the plugins folder, and a running service.

import io
import os

from ij import IJ, WindowManager
from org.deepflash import Macros


def ask(function, options):
    answer = function(options)
    if answer.startswith("error: "):
        raise RuntimeError(answer[len("error: "):])
    return answer


counts = []
for name in sorted(images.list()):
    if not name.lower().endswith((".tif", ".tiff")):
        continue
    image = IJ.openImage(os.path.join(images.getPath(), name))
    WindowManager.setTempCurrentImage(image)
    count = int(ask(Macros.segment, "model=[%s]" % model))
    IJ.saveAsTiff(image, os.path.join(folder.getPath(), os.path.splitext(name)[0] + "_overlay.tif"))
    image.changes = False
    image.close()
    counts.append(u'"%s",%d' % (name.replace('"', '""'), count))
    IJ.log("%s: %d ROIs" % (name, count))

with io.open(os.path.join(folder.getPath(), "counts.csv"), "w", encoding="utf-8") as table:
    table.write(u"\n".join([u"image,rois"] + counts) + u"\n")
