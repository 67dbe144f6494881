package dev.jshim.bridge.exit;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimFlags;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Whether the exits that a v1 shim reports reach containerd: it runs {@code containerd --address A publish}, and both
 * were fixed when it was started (containerd v1.6.20, cmd/containerd-shim/main_unix.go).
 */
final class ShimPublish {
    private static final List<Path> SEARCHED = List.of(
            Path.of("/usr/local/sbin"),
            Path.of("/usr/local/bin"),
            Path.of("/usr/sbin"),
            Path.of("/usr/bin"),
            Path.of("/sbin"),
            Path.of("/bin"));

    private ShimPublish() {}

    /**
     * Whether the shim lives, reports to that address, and its program exists. False if in doubt.
     *
     * @param address containerd's gRPC socket
     */
    static boolean reaches(AdoptedRecord record, Path address) {
        if (!record.shim().isAlive()) {
            return false;
        }
        var facts = ProcFs.system().facts(record.shim().pid());
        var flags = facts == null ? null : ShimFlags.parse(facts.argv());
        try {
            return flags != null
                    && Files.isSameFile(Path.of(flags.address()), address)
                    && isProgram(flags.containerdBinary(), Files::isExecutable);
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }

    /** Whether a child of the shim reports something right now, as far as the kernel lists children. */
    static boolean isUnderWay(AdoptedRecord record) {
        var threads = Path.of("/proc", Integer.toString(record.shim().pid()), "task");
        try (var all = Files.list(threads)) {
            return all.flatMap(ShimPublish::children).anyMatch(ShimPublish::publishes);
        } catch (IOException | UncheckedIOException e) {
            return false; // It has ended.
        }
    }

    private static Stream<String> children(Path thread) {
        try {
            return Stream.of(Files.readString(thread.resolve("children")).split(" ", -1))
                    .filter(pid -> !pid.isBlank());
        } catch (IOException e) {
            return Stream.of(); // It has ended.
        }
    }

    private static boolean publishes(String pid) {
        var facts = ProcFs.system().facts(Integer.parseInt(pid.strip()));
        return facts != null && facts.argv().contains("publish") && !facts.hasEnded();
    }

    /** A bare name is searched in the shim's PATH, which is the old daemon's. We search the usual folders. */
    static boolean isProgram(String binary, Predicate<Path> exists) {
        List<Path> places = new ArrayList<>();
        if (binary.contains("/")) {
            places.add(Path.of(binary));
        } else {
            SEARCHED.forEach(folder -> places.add(folder.resolve(binary)));
        }
        return places.stream().anyMatch(exists);
    }
}
