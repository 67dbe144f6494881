package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup1.Metrics;
import dev.jshim.proto.v2.cgroup1.RdmaEntry;
import dev.jshim.proto.v2.cgroup1.RdmaStat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The RDMA controller of cgroup v1. */
final class Rdma1 {

    private Rdma1() {}

    /** Sets nothing when a device came or went between the two files. */
    static void read(StatFiles files, Path directory, Metrics.Builder metrics) throws IOException {
        var current = entries(files.text(directory.resolve("rdma.current")));
        var limit = entries(files.text(directory.resolve("rdma.max")));
        if (current.size() == limit.size()) {
            metrics.setRdma(RdmaStat.newBuilder().addAllCurrent(current).addAllLimit(limit));
        }
    }

    private static List<RdmaEntry> entries(String text) {
        var entries = new ArrayList<RdmaEntry>();
        for (var device : RdmaDevice.parse(text)) {
            entries.add(RdmaEntry.newBuilder()
                    .setDevice(device.name())
                    .setHcaHandles(device.handles())
                    .setHcaObjects(device.objects())
                    .build());
        }
        return entries;
    }
}
