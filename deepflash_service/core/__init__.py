"""Arrays in, arrays out: what the product computes, without files, clock, threads or a log.

Images are (row, column) arrays; x and y appear only where bytes for ImageJ are made.

labels, outlines      ROIs of a mask or probability map; their outlines along pixel edges
rois                  label image to ImageJ ROI bytes and back (roi_format, roi_shapes, roi_areas),
                      GeoJSON (geojson, geojson_shapes)
consensus             one truth from several experts (staple, object_votes)
agreement             how well any two annotators agree (overlaps, matching, scores,
                      expert_agreement)
pairing               which mask belongs to which image
overlay, measurements pictures and tables of ROIs
normalization, tiling from raw image to network input, and from tiles to a whole map
sampling, augmentation  training tiles
synthetic             demonstration data
"""
