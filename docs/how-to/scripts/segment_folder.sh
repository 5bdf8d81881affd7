#!/bin/sh
# Segments the images of a folder that have no result yet, and measures their ROIs in one table.
#
#   segment_folder.sh MODEL IMAGES OUTPUT
#
# May be stopped and started again at any time: the ROI set of an image is written last. Images that
# cannot be segmented are named on standard error, and the exit code is 1; the others are done.
set -eu
model=$1 images=$2 output=$3
mkdir -p "$output"

set --
for image in "$images"/*.tif; do
  name=$(basename "$image" .tif)
  [ -e "$output/${name}_RoiSet.zip" ] || set -- "$@" "$image"
done

code=0
if [ "$#" -gt 0 ]; then
  deepflash segment "$@" --model "$model" --output "$output" --json > "$output/last_run.json" || code=$?
fi
deepflash measure --images "$images" --labels "$output" --output "$output/measurements.csv"
exit "$code"
