package dev.jshim.it;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A bundle that the test has made itself.
 *
 * @param id the container's
 */
record RawBundle(String id, Path folder) {
    /** Makes one below a folder, with containerd's link to a folder for what lasts. */
    static RawBundle make(Path under, String namespace, String id, boolean terminal, String... argv) {
        try {
            Path folder = Files.createDirectories(under.resolve(namespace).resolve(id));
            Rootfs.make(folder.resolve("rootfs"));
            Path work = Files.createDirectories(
                    under.resolve("work").resolve(namespace).resolve(id));
            Files.createSymbolicLink(folder.resolve("work"), work);
            String args = new Gson().toJson(List.of(argv));
            Files.writeString(folder.resolve("config.json"), spec(terminal, args, namespace, id));
            return new RawBundle(id, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String spec(boolean terminal, String args, String namespace, String id) {
        return """
            {
              "ociVersion": "1.0.2",
              "process": {
                "terminal": %s, "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"], "args": %s
              },
              "root": { "path": "rootfs" },
              "mounts": [
                { "destination": "/proc", "type": "proc", "source": "proc" },
                { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" },
                { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                  "options": ["newinstance", "ptmxmode=0666"] }
              ],
              "linux": {
                "cgroupsPath": "/%s/%s",
                "resources": { "memory": { "limit": 104857600 } },
                "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "network" }]
              }
            }
            """.formatted(terminal, args, namespace, id);
    }

    /** The same without a pid namespace of its own. */
    RawBundle inHostPids() {
        try {
            Path spec = folder.resolve("config.json");
            Files.writeString(spec, Files.readString(spec).replace("{ \"type\": \"pid\" }, ", ""));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
