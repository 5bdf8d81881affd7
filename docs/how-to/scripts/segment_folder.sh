#!/bin/sh
# Segments the images of a folder that have no result yet, and measures their ROIs in one table.
#
#   segment_folder.sh MODEL IMAGES OUTPUT
#
# May be stopped and started again at any time: the ROI set of an image is written last. Images that
# cannot be segmented are named on standard error, and the exit code is 1; the others are done.
#
# measurements.csv has the ROIs of all images. rois.csv and summary.csv tell of the images of the last
# run only; run N keeps its own as rois-N.csv and summary-N.csv, where Review ranks the images of run N.
set -eu
if [ "$#" -ne 3 ]; then
  echo "Usage: segment_folder.sh MODEL IMAGES OUTPUT" >&2
  exit 2
fi
model=$1 images=$2 output=$3

found=0
set --
for image in "$images"/*; do
  name=$(basename "$image")
  case $(printf '%s' "$name" | tr '[:upper:]' '[:lower:]') in
    *.ome.tif | *.ome.tiff) name=${name%.*.*} ;;
    *.tif | *.tiff | *.png | *.jpg | *.jpeg | *.gif | *.bmp) name=${name%.*} ;;
    *) continue ;;
  esac
  found=$((found + 1))
  [ -e "$output/${name}_RoiSet.zip" ] || set -- "$@" "$image"
done
if [ "$found" -eq 0 ]; then
  echo "There is no image in $images. Name a folder with TIFF or PNG files." >&2
  exit 1
fi
mkdir -p "$output"

code=0
if [ "$#" -gt 0 ]; then
  rm -f "$output/rois.csv" "$output/summary.csv"
  deepflash segment "$@" --model "$model" --output "$output" --json > "$output/last_run.json" || code=$?
  run=1
  while [ -e "$output/summary-$run.csv" ]; do run=$((run + 1)); done
  for table in rois summary; do
    [ ! -e "$output/$table.csv" ] || cp "$output/$table.csv" "$output/$table-$run.csv"
  done
fi
deepflash measure --images "$images" --labels "$output" --output "$output/measurements.csv"
exit "$code"
