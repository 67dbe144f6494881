package dev.jshim.node.bundle;

import dev.jshim.node.SmallFile;
import dev.jshim.node.socket.UnixSocketTable;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a v1 shim listens. Its {@code address} file says so since 1.3.9 and 1.4.3; before, the name follows from
 * namespace and id, in two ways, and which one exists only the kernel knows (1.6.20, runtime/v1/linux/bundle.go).
 */
final class V1Address {
    private V1Address() {}

    static @Nullable ShimSocket of(Path bundle, TaskId task, UnixSocketTable sockets, List<String> problems) {
        var before = problems.size();
        var address = SmallFile.text(bundle.resolve("address"), problems);
        if (address != null) {
            try {
                return ShimSocket.parse(address);
            } catch (IllegalArgumentException e) {
                problems.add("address file: " + e.getMessage());
                return null;
            }
        }
        if (problems.size() > before) {
            return null;
        }
        for (var name : List.of(firstName(task), hashedName(task))) {
            if (sockets.abstractNames().contains(name)) {
                return new ShimSocket.Abstract(name);
            }
        }
        problems.add("no address file, and no abstract socket of its name is listening");
        return null;
    }

    /** 1.0 to 1.2. */
    static String firstName(TaskId task) {
        return "/containerd-shim/" + task.namespace() + "/" + task.id() + "/shim.sock";
    }

    /** 1.3 before 1.3.9, 1.4 before 1.4.3. */
    static String hashedName(TaskId task) {
        try {
            var sha256 = MessageDigest.getInstance("SHA-256");
            var joined = task.namespace() + "/" + task.id();
            return "/containerd-shim/"
                    + HexFormat.of().formatHex(sha256.digest(joined.getBytes(StandardCharsets.UTF_8))) + ".sock";
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
