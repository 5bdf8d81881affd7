package org.deepflash.fiji;

import ij.IJ;
import ij.Prefs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The ROI group of each class and each expert: they get their number when they first come up, so that colours stay. */
public final class Groups {

    private static final String PREFIX = "deepflash.";
    /** ImageJ before 1.54s knows no more. */
    private static final int MOST = 255;

    private Groups() {
    }

    /** Returns the group of a class, from 1. */
    public static int ofClass(String name) {
        return find("classes", name);
    }

    /** Returns the group of an expert, from 1. */
    public static int ofExpert(String name) {
        return find("experts", name);
    }

    private static synchronized int find(String list, String name) {
        String text = Prefs.get(PREFIX + list, "");
        List<String> names = new ArrayList<>(text.isEmpty() ? new ArrayList<>() : Arrays.asList(text.split(",")));
        String plain = name.replace(",", ";");
        if (!names.contains(plain)) {
            names.add(plain);
            Prefs.set(PREFIX + list, String.join(",", names));
            if (names.size() > MOST) {
                IJ.log("DeepFLaSH: ImageJ tells " + MOST + " groups apart, but " + name + " is number " + names.size()
                    + " of the " + list + ": it has group and colour of " + names.get((names.size() - 1) % MOST) + ".");
            }
        }
        return names.indexOf(plain) % MOST + 1;
    }
}
