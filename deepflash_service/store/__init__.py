"""Files: images, data sets, models, job folders; the only floor that touches them."""
