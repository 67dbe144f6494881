package dev.jshim.shim.cgroup;

import java.util.ArrayList;
import java.util.List;

/**
 * One line of rdma.current or rdma.max, the same on v1 and v2: {@code mlx4_0 hca_handle=2 hca_object=max}.
 *
 * @param handles unsigned 32-bit; all ones for {@code max}, 0 for what is no number
 * @param objects like the handles
 */
record RdmaDevice(String name, int handles, int objects) {

    /** The devices in the order of the text; a line of another form is left out. */
    static List<RdmaDevice> parse(String text) {
        var devices = new ArrayList<RdmaDevice>();
        for (var line : new Lines(text)) {
            var fields = Lines.fields(line, " \t");
            if (fields.size() == 3) {
                devices.add(new RdmaDevice(fields.get(0), value("hca_handle=", fields), value("hca_object=", fields)));
            }
        }
        return devices;
    }

    private static int value(String key, List<String> fields) {
        for (var field : fields.subList(1, 3)) {
            if (field.startsWith(key)) {
                return number(field.substring(key.length()));
            }
        }
        return 0;
    }

    private static int number(String text) {
        if (text.equals("max")) {
            return -1;
        }
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
