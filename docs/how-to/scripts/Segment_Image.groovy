#@ ImagePlus image
#@ String (label = "Model", value = "my_cells") model
#@ File (label = "Folder for ROIs and table", style = "directory") folder

// Segments the open image with a model of the service and saves its ROIs and their sizes.
// Needs only the DeepFLaSH jar in the plugins folder, and a running service.

import ij.WindowManager
import ij.io.RoiEncoder
import ij.measure.ResultsTable
import org.deepflash.Macros

WindowManager.setTempCurrentImage(image)
def answer = Macros.segment("model=[${model}]")
if (answer.startsWith("error: ")) throw new IllegalStateException(answer.substring(7))

def rois = image.overlay == null ? [] : image.overlay.toArray() as List
def table = new ResultsTable()
rois.each { roi ->
    RoiEncoder.save(roi, new File(folder, "${roi.name}.roi").path)
    image.setRoi(roi)
    def measured = image.statistics
    table.addRow()
    table.addValue("ROI", roi.name)
    table.addValue("Area", measured.area)
    table.addValue("Mean", measured.mean)
}
image.deleteRoi()
table.save(new File(folder, "rois.csv").path)
println "${rois.size()} ROIs in ${image.title}"
