package dev.jshim.shim.oci;

import dev.jshim.linux.Processes;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.task.Exit;
import dev.jshim.task.Timestamps;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The small files of a bundle that outlive the shim: {@code runtime} and {@code runtime-root} say how to clean up,
 * {@code exit.pb} is what the {@code delete} script answers. Each is replaced as a whole, so that a reader never sees
 * half of one.
 */
public final class BundleFiles {
    private static final String RUNTIME = "runtime";
    private static final String RUNTIME_ROOT = "runtime-root";

    private BundleFiles() {}

    /** Writes a file of one line. */
    public static void writeLine(Path bundle, String name, String line) throws IOException {
        write(bundle, name, (line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Writes a file that must hold nothing but the text, as {@code address}, which containerd reads as it is. */
    public static void writeText(Path bundle, String name, String text) throws IOException {
        write(bundle, name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** A later {@code delete} has nothing to clean up in the runtime's root. */
    static void forgetRuntime(Path bundle) throws IOException {
        Files.deleteIfExists(bundle.resolve(RUNTIME_ROOT));
        Files.deleteIfExists(bundle.resolve(RUNTIME));
    }

    /** Tells a later {@code delete} how to clean up. */
    static void rememberRuntime(Path bundle, String binary, Path root) throws IOException {
        writeLine(bundle, RUNTIME, binary);
        writeLine(bundle, RUNTIME_ROOT, root.toString());
    }

    /** Leaves the answer for a later {@code delete}: a DeleteResponse, raw. */
    public static void writeExit(Path bundle, Exit exit) throws IOException {
        write(bundle, "exit.pb", message(exit).toByteArray());
    }

    static DeleteResponse message(Exit exit) {
        return DeleteResponse.newBuilder()
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(Timestamps.of(exit.at()))
                .build();
    }

    static Exit exit(DeleteResponse message) {
        return new Exit(message.getPid(), message.getExitStatus(), Timestamps.instant(message.getExitedAt()));
    }

    private static void write(Path bundle, String name, byte[] content) throws IOException {
        var temporary = bundle.resolve("." + name);
        Files.write(temporary, content);
        Files.move(temporary, bundle.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The pid in a file that a runtime wrote. */
    static int readPid(Path file) throws IOException {
        var text = Files.readString(file).strip();
        var pid = Processes.parsePid(text);
        if (pid == 0) {
            throw new IOException(file + " does not contain a pid: \"" + text + "\"");
        }
        return pid;
    }
}
