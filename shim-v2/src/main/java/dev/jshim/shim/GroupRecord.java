package dev.jshim.shim;

import dev.jshim.linux.ProcessId;
import dev.jshim.shim.config.Protocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What lies beside a group's socket, lines of a word and a value: for those who join it.
 *
 * @param shim the process that serves
 * @param taskApi the highest version that it serves
 * @param socket where it listens; absolute
 * @param caller the containerd that was answered last
 * @param answer what that one got, so that the launcher can give the same caller the same
 */
record GroupRecord(ProcessId shim, int taskApi, Protocol protocol, Path socket, ProcessId caller, String answer) {
    static final String FILE = "reply";
    /** Where the shim listens if the record does not say. */
    static final String SOCKET = "sock";

    /** @throws IOException also for a file that is not such a record */
    static GroupRecord read(Path folder) throws IOException {
        var values = values(folder.resolve(FILE));
        var protocol = Protocol.named(values.getOrDefault("protocol", ""));
        if (protocol == null) {
            throw new IOException(folder.resolve(FILE) + " names no protocol");
        }
        return new GroupRecord(
                process(values.getOrDefault("shim", "")),
                values.getOrDefault("version", "").equals("3") ? 3 : 2,
                protocol,
                socket(folder, values.get("socket")),
                process(values.getOrDefault("caller", "")),
                values.getOrDefault("answer", ""));
    }

    /** The lines of a file by their first words. */
    static Map<String, String> values(Path file) throws IOException {
        var values = new HashMap<String, String>();
        for (var line : Files.readString(file).split("\n", -1)) {
            var blank = line.indexOf(' ');
            if (blank > 0) {
                values.put(line.substring(0, blank), line.substring(blank + 1));
            }
        }
        return values;
    }

    private static Path socket(Path folder, @Nullable String text) throws IOException {
        try {
            return folder.resolve(text == null ? SOCKET : text);
        } catch (InvalidPathException e) {
            throw new IOException(folder.resolve(FILE) + " names no socket: " + e.getReason(), e);
        }
    }

    private static ProcessId process(String text) throws IOException {
        var blank = text.indexOf(' ');
        try {
            return new ProcessId(
                    Integer.parseInt(text.substring(0, Math.max(blank, 0))), Long.parseLong(text.substring(blank + 1)));
        } catch (NumberFormatException e) {
            throw new IOException("no process: \"" + text + "\"", e);
        }
    }

    /** Replaces the file as a whole. */
    void write(Path folder) throws IOException {
        var text = "shim " + shim + "\nversion " + taskApi + "\nprotocol " + protocol.text() + "\nsocket " + socket
                + "\ncaller " + caller + "\nanswer " + answer + "\n";
        var temporary = folder.resolve(FILE + "." + ProcessHandle.current().pid());
        Files.writeString(temporary, text);
        Files.move(temporary, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    }

    GroupRecord answered(ProcessId to, String text) {
        return new GroupRecord(shim, taskApi, protocol, socket, to, text);
    }
}
