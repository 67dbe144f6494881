package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup2.PSIData;
import dev.jshim.proto.v2.cgroup2.PSIStats;
import org.jspecify.annotations.Nullable;

/**
 * A pressure file of cgroup v2: lines {@code some} and {@code full} with {@code avg10=0.00 avg60=0.00 avg300=0.00
 * total=0}; averages in percent, the total in microseconds.
 */
final class Pressure2 {

    private Pressure2() {}

    /** Null when a value is none, as if there were no such file. */
    static @Nullable PSIStats parse(String text) {
        var stats = PSIStats.newBuilder();
        for (var line : new Lines(text)) {
            PSIData.Builder data;
            if (line.startsWith("some ")) {
                data = stats.getSomeBuilder();
            } else if (line.startsWith("full ")) {
                data = stats.getFullBuilder();
            } else {
                continue;
            }
            try {
                read(line.substring(5), data);
            } catch (NumberFormatException e) {
                return null;
            }
        }
        return stats.build();
    }

    private static void read(String pairs, PSIData.Builder data) {
        for (var pair : Lines.fields(pairs, " ")) {
            var equals = pair.indexOf('=');
            if (equals < 0) {
                throw new NumberFormatException(pair);
            }
            var value = pair.substring(equals + 1);
            switch (pair.substring(0, equals)) {
                case "avg10" -> data.setAvg10(Double.parseDouble(value));
                case "avg60" -> data.setAvg60(Double.parseDouble(value));
                case "avg300" -> data.setAvg300(Double.parseDouble(value));
                case "total" -> data.setTotal(Long.parseUnsignedLong(value));
                default -> {}
            }
        }
    }
}
