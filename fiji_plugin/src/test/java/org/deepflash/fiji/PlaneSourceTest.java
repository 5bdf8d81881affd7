package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.VirtualStack;
import ij.gui.Roi;
import ij.io.Opener;
import ij.process.ColorProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.LUT;
import ij.process.ShortProcessor;
import java.awt.Color;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import org.deepflash.records.InputException;
import org.deepflash.records.ModelInfo;
import org.deepflash.records.Planes;
import org.junit.jupiter.api.Test;

class PlaneSourceTest {

    private static final ModelInfo MODEL = new ModelInfo.Builder("M").build();

    private static ImagePlus decode(byte[] tiff) {
        return new Opener().openTiff(new ByteArrayInputStream(tiff), "x");
    }

    private static ImagePlus send(ImagePlus image, int channel, Planes planes, int index) {
        PlaneSource source = new PlaneSource(image, MODEL, channel, planes);
        return decode(source.encode(source.getPositions().get(index)));
    }

    @Test
    void rawValuesTravelWhateverTheDisplay() {
        ShortProcessor processor = new ShortProcessor(3, 2, new short[] {0, 1, (short) 40_000, 300, 7, (short) 65_535},
            null);
        ImagePlus image = new ImagePlus("a", processor);
        image.setLut(LUT.createLutFromColor(Color.RED));
        image.getProcessor().invertLut();
        image.setDisplayRange(10, 20);
        image.getCalibration().pixelWidth = 0.5;
        image.getCalibration().pixelHeight = 0.25;
        image.getCalibration().setUnit("micron");
        ImagePlus sent = send(image, 0, Planes.CURRENT, 0);
        assertEquals(16, sent.getBitDepth());
        for (int i = 0; i < 6; i++) {
            assertEquals(processor.get(i), sent.getProcessor().get(i));
        }
        assertEquals(0.5, sent.getCalibration().pixelWidth, 1e-6);
        assertEquals(0.25, sent.getCalibration().pixelHeight, 1e-6);
        assertEquals("micron", sent.getCalibration().getUnit());
    }

    @Test
    void invertedAndColouredBytesKeepTheirValues() {
        ImagePlus image = IJ.createImage("b", "8-bit ramp", 16, 2, 1);
        image.getProcessor().invertLut();
        ImagePlus sent = send(image, 0, Planes.CURRENT, 0);
        assertEquals(image.getProcessor().get(3, 1), sent.getProcessor().get(3, 1));
        assertEquals(8, sent.getBitDepth());
        FloatProcessor floats = new FloatProcessor(2, 1, new float[] {-1.5f, 1e6f});
        assertEquals(-1.5f, send(new ImagePlus("f", floats), 0, Planes.CURRENT, 0).getProcessor().getf(0));
    }

    private static ImagePlus hyperstack() {
        ImageStack stack = new ImageStack(4, 4);
        for (int i = 1; i <= 2 * 3 * 2; i++) {
            ShortProcessor plane = new ShortProcessor(4, 4);
            plane.set(0, 100 * i);
            stack.addSlice(plane);
        }
        ImagePlus image = new ImagePlus("h", stack);
        image.setDimensions(2, 3, 2);
        image.setOpenAsHyperStack(true);
        return image;
    }

    @Test
    void planesOfTheChosenChannelComeInOrderWithTheirPositions() {
        ImagePlus image = hyperstack();
        PlaneSource source = new PlaneSource(image, MODEL, 2, Planes.ALL);
        assertEquals(6, source.getPositions().size());
        for (PlanePosition position : source.getPositions()) {
            int index = image.getStackIndex(2, position.getSlice(), position.getFrame());
            assertEquals(100 * index, decode(source.encode(position)).getProcessor().get(0));
            Roi roi = new Roi(0, 0, 1, 1);
            position.place(roi, image);
            assertEquals("2 " + position.getSlice() + " " + position.getFrame(), roi.getCPosition() + " "
                + roi.getZPosition() + " " + roi.getTPosition());
        }
        assertEquals(1000, send(image, 0, Planes.MAX_PROJECTION, 0).getProcessor().get(0) * 2);
    }

    @Test
    void virtualStacksAreReadOnePlaneAtATime() {
        List<Integer> reads = new ArrayList<>();
        VirtualStack stack = new VirtualStack(4, 4, null, null) {
            @Override
            public ImageProcessor getProcessor(int n) {
                reads.add(n);
                return new ShortProcessor(4, 4);
            }

            @Override
            public int getSize() {
                return 1000;
            }
        };
        ImagePlus image = new ImagePlus("v", stack);
        reads.clear();
        PlaneSource source = new PlaneSource(image, MODEL, 1, Planes.ALL);
        source.encode(source.getPositions().get(700));
        assertEquals(1, reads.size());
        assertEquals(701, reads.get(0));
    }

    @Test
    void rgbAndMissingChannelsAreRefused() {
        InputException error = assertThrows(InputException.class,
            () -> new PlaneSource(new ImagePlus("c", new ColorProcessor(2, 2)), MODEL, 1, Planes.CURRENT));
        assertEquals("This is an RGB image, but model M expects one channel. Use Image > Color > Split Channels or"
            + " Image > Type > 8-bit.", error.getMessage());
        assertThrows(InputException.class, () -> new PlaneSource(hyperstack(), MODEL, 3, Planes.CURRENT));
        ModelInfo three = new ModelInfo.Builder("M3").channels(3).build();
        assertThrows(InputException.class, () -> new PlaneSource(hyperstack(), three, 1, Planes.CURRENT));
        PlaneSource colour = new PlaneSource(new ImagePlus("c", new ColorProcessor(2, 2)), three, 1, Planes.CURRENT);
        assertEquals(3, decode(colour.encode(colour.getPositions().get(0))).getStackSize());
    }
}
