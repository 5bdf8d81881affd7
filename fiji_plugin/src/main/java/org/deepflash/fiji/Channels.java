package org.deepflash.fiji;

import ij.ImagePlus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deepflash.records.InputException;

/** Channels of an image by number, from 1 as Fiji shows them, or by name, which is a part of their slice labels. */
public final class Channels {

    private Channels() {
    }

    /**
     * Returns the number of a channel.
     *
     * @param channel its number, its name in any case, or an empty text or 0 for the one shown
     * @throws InputException if there is none, or more than one of that name
     */
    public static int find(ImagePlus image, String channel) {
        if (channel.isEmpty() || channel.equals("0")) {
            return image.getC();
        }
        if (channel.matches("\\d{1,9}")) {
            int number = Integer.parseInt(channel);
            // Channels are called by their wavelength too.
            List<Integer> called = number > image.getNChannels() ? findCalled(image, channel) : new ArrayList<>();
            if (called.size() == 1) {
                return called.get(0);
            }
            if (number > image.getNChannels()) {
                throw new InputException("Channel " + channel + " was asked for, but " + image.getTitle() + " has "
                    + image.getNChannels() + ". Choose a channel from 1 to " + image.getNChannels() + ".");
            }
            return number;
        }
        List<Integer> found = findCalled(image, channel);
        if (found.size() == 1) {
            return found.get(0);
        }
        throw new InputException((found.isEmpty() ? "No channel" : "More than one channel") + " of " + image.getTitle()
            + " is called " + channel + ": " + describe(image) + ". Write the number of the channel, from 1 to "
            + image.getNChannels() + ".");
    }

    private static List<Integer> findCalled(ImagePlus image, String channel) {
        List<Integer> found = new ArrayList<>();
        for (int i = 1; i <= image.getNChannels(); i++) {
            if (listNames(image, i).stream().anyMatch(channel::equalsIgnoreCase)) {
                found.add(i);
            }
        }
        return found;
    }

    /** A label is the name itself, or has it between others, as in {@code c:2/3 z:1/5 - GFP}. */
    private static List<String> listNames(ImagePlus image, int channel) {
        String label = image.getStack().getSliceLabel(image.getStackIndex(channel, 1, 1));
        return label == null ? new ArrayList<>() : Arrays.asList((label.trim() + " - "
            + label.replaceAll("\\s*[\\n;]\\s*", " - ").trim()).split("\\s+-\\s+"));
    }

    private static String describe(ImagePlus image) {
        List<String> channels = new ArrayList<>();
        for (int i = 1; i <= image.getNChannels(); i++) {
            List<String> names = listNames(image, i);
            channels.add(names.isEmpty() || names.get(0).isEmpty() ? i + " has no name" : i + " is "
                + names.get(names.size() - 1));
        }
        return String.join(", ", channels);
    }
}
