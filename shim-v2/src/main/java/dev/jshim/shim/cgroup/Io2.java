package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup2.IOEntry;
import java.util.ArrayList;
import java.util.List;

/** The io.stat of cgroup v2: {@code 8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6}, in any order of the keys. */
final class Io2 {

    private Io2() {}

    /** The devices in the order of the file, up to the first whose number is none; other values that are none are 0. */
    static List<IOEntry> parse(String text) {
        var entries = new ArrayList<IOEntry>();
        for (var line : new Lines(text)) {
            var deviceEnd = line.indexOf(' ');
            var device = deviceEnd < 0 ? List.<String>of() : Lines.fields(line.substring(0, deviceEnd), ":");
            if (device.size() != 2) {
                continue;
            }
            try {
                entries.add(entry(device, Lines.fields(line.substring(deviceEnd), " ")));
            } catch (NumberFormatException e) {
                return entries;
            }
        }
        return entries;
    }

    private static IOEntry entry(List<String> device, List<String> pairs) {
        var entry = IOEntry.newBuilder()
                .setMajor(Long.parseUnsignedLong(device.getFirst()))
                .setMinor(Long.parseUnsignedLong(device.getLast()));
        for (var pair : pairs) {
            var equals = pair.indexOf('=');
            if (equals > 0) {
                set(entry, pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return entry.build();
    }

    private static void set(IOEntry.Builder entry, String key, String text) {
        long value;
        try {
            value = Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            return;
        }
        switch (key) {
            case "rbytes" -> entry.setRbytes(value);
            case "wbytes" -> entry.setWbytes(value);
            case "rios" -> entry.setRios(value);
            case "wios" -> entry.setWios(value);
            default -> {}
        }
    }
}
