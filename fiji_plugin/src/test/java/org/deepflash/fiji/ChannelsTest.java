package org.deepflash.fiji;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import org.deepflash.records.InputException;
import org.junit.jupiter.api.Test;

class ChannelsTest {

    @Test
    void aWavelengthIsANameAndASmallNumberIsANumber() {
        ImagePlus image = IJ.createHyperStack("cells.tif", 8, 8, 3, 1, 1, 16);
        String[] names = {"405", "2", "561"};
        for (int i = 0; i < names.length; i++) {
            image.getStack().setSliceLabel(names[i], i + 1);
        }
        assertEquals(3, Channels.find(image, "561"));
        assertEquals(1, Channels.find(image, "405"));
        assertEquals(2, Channels.find(image, "2"));
        InputException error = assertThrows(InputException.class, () -> Channels.find(image, "488"));
        assertTrue(error.getMessage().contains("Channel 488 was asked for, but cells.tif has 3"), error.getMessage());
    }
}
