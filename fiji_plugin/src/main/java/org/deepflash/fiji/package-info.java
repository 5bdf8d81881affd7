/** ImageJ's own objects: planes to TIFF bytes, ROIs, overlays, label images, tables. */
package org.deepflash.fiji;
