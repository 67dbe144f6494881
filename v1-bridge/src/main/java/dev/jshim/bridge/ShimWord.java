package dev.jshim.bridge;

import dev.jshim.node.ProcFs;
import dev.jshim.node.ShimFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Whether what a v1 shim says of an exit reaches containerd: it runs {@code containerd --address A publish}, and both
 * were fixed when it was started (containerd v1.6.20, cmd/containerd-shim/main_unix.go).
 */
final class ShimWord {
    private static final List<Path> SEARCHED = List.of(
            Path.of("/usr/local/sbin"),
            Path.of("/usr/local/bin"),
            Path.of("/usr/sbin"),
            Path.of("/usr/bin"),
            Path.of("/sbin"),
            Path.of("/bin"));

    private ShimWord() {}

    /**
     * Whether the shim lives, tells it there, and has a program to tell it with. False where that is in doubt.
     *
     * @param address containerd's gRPC socket
     */
    static boolean reaches(LegacyRecord record, Path address) {
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

    /** Whether the shim has a child that tells of something right now. Looks at all processes. */
    static boolean isOnItsWay(LegacyRecord record) {
        return ProcFs.system().all().stream()
                .anyMatch(process -> process.ppid() == record.shim().pid()
                        && process.argv().contains("publish")
                        && !process.hasEnded());
    }

    /** A bare name is looked for in the shim's PATH, which is the old daemon's: the usual folders will do. */
    static boolean isProgram(String binary, Predicate<Path> there) {
        List<Path> places = new ArrayList<>();
        if (binary.contains("/")) {
            places.add(Path.of(binary));
        } else {
            SEARCHED.forEach(folder -> places.add(folder.resolve(binary)));
        }
        return places.stream().anyMatch(there);
    }
}
