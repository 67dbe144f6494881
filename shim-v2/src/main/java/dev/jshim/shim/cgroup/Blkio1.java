package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup1.BlkIOEntry;
import dev.jshim.proto.v2.cgroup1.BlkIOStat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The block I/O controller of cgroup v1. The CFQ scheduler's files come first; if there are none, or they list nothing,
 * the counters of the throttling layer are taken. Entries keep the order of the files.
 */
final class Blkio1 {
    private final StatFiles files;
    private final Path directory;
    private final Host host;
    private @Nullable Map<String, String> devices;
    private int entries;

    Blkio1(StatFiles files, Path directory, Host host) {
        this.files = files;
        this.directory = directory;
        this.host = host;
    }

    void read(BlkIOStat.Builder blkio) throws IOException {
        if (Files.exists(directory.resolve("blkio.io_serviced_recursive"), LinkOption.NOFOLLOW_LINKS)) {
            each("sectors_recursive", blkio::addSectorsRecursive);
            each("io_service_bytes_recursive", blkio::addIoServiceBytesRecursive);
            each("io_serviced_recursive", blkio::addIoServicedRecursive);
            each("io_queued_recursive", blkio::addIoQueuedRecursive);
            each("io_service_time_recursive", blkio::addIoServiceTimeRecursive);
            each("io_wait_time_recursive", blkio::addIoWaitTimeRecursive);
            each("io_merged_recursive", blkio::addIoMergedRecursive);
            each("time_recursive", blkio::addIoTimeRecursive);
        }
        if (entries == 0) {
            each("throttle.io_serviced", blkio::addIoServicedRecursive);
            each("throttle.io_service_bytes", blkio::addIoServiceBytesRecursive);
        }
    }

    /** Lines are {@code major:minor [operation] value}; that of the total is left out. */
    private void each(String name, Consumer<BlkIOEntry> sink) throws IOException {
        var file = directory.resolve("blkio." + name);
        for (var line : new Lines(files.text(file))) {
            var fields = Lines.fields(line, " :");
            if (fields.size() == 2 && fields.getFirst().equals("Total")) {
                continue;
            }
            if (fields.size() < 3) {
                throw StatFiles.malformed(file, line);
            }
            var hasOperation = fields.size() == 4;
            sink.accept(BlkIOEntry.newBuilder()
                    .setMajor(StatFiles.unsigned(fields.get(0), file, line))
                    .setMinor(StatFiles.unsigned(fields.get(1), file, line))
                    .setOp(hasOperation ? fields.get(2) : "")
                    .setValue(StatFiles.unsigned(fields.get(hasOperation ? 3 : 2), file, line))
                    .setDevice(devices().getOrDefault(fields.get(0) + ":" + fields.get(1), ""))
                    .build());
            entries++;
        }
    }

    /** The device files by {@code major:minor}, from {@code /proc/partitions}; of several names the first one. */
    private Map<String, String> devices() throws IOException {
        var known = devices;
        if (known != null) {
            return known;
        }
        var read = new HashMap<String, String>();
        var lineNumber = 0;
        for (var line : new Lines(files.text(host.at("/proc/partitions")))) {
            // A heading and an empty line come first.
            if (lineNumber++ < 2) {
                continue;
            }
            var fields = Lines.fields(line, " \t");
            if (fields.size() == 4) {
                read.putIfAbsent(fields.get(0) + ":" + fields.get(1), "/dev/" + fields.get(3));
            }
        }
        devices = read;
        return read;
    }
}
