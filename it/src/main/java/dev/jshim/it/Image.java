package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * An image of busybox alone, as an archive that {@code ctr images import} takes; made here, so no registry is asked.
 */
public final class Image {
    /** The name it is imported under. */
    public static final String NAME = "docker.io/jshim/busybox:latest";

    /** The same with another command, which does nothing forever: what holds a pod's namespaces. */
    public static final String PAUSE = "docker.io/jshim/pause:latest";

    private Image() {}

    /** Writes the archive (docker's format: manifest, configurations, one layer) into a folder, which is made. */
    public static Path archive(Path folder) throws IOException {
        Files.createDirectory(folder);
        Path layer = folder.resolve("layer.tar");
        tar(layer, Rootfs.make(folder.resolve("rootfs")), ".");
        String digest = sha256(layer);
        Files.writeString(folder.resolve("config.json"), configuration(digest, "\"/bin/sh\""));
        Files.writeString(folder.resolve("pause.json"), configuration(digest, "\"/bin/sleep\", \"1000000\""));
        Files.writeString(folder.resolve("manifest.json"), """
                [{"Config": "config.json", "RepoTags": ["%s"], "Layers": ["layer.tar"]},
                 {"Config": "pause.json", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]
                """.formatted(NAME, PAUSE));
        Path archive = folder.resolve("image.tar");
        tar(archive, folder, "manifest.json", "config.json", "pause.json", "layer.tar");
        return archive;
    }

    /**
     * Makes the archive in the daemon's folder and imports it. The client does it, not the daemon's transfer service:
     * that one unpacks into the default snapshotter alone.
     */
    static void load(PrivateContainerd node, String snapshotter) throws IOException {
        List<String> command = new ArrayList<>(List.of("images", "import", "--snapshotter", snapshotter));
        if (node.release() != Release.V1_6) {
            command.add("--local");
        }
        command.add(archive(node.dir().resolve("image-" + snapshotter)).toString());
        node.ctr(command.toArray(String[]::new)).ok();
    }

    private static String configuration(String layer, String command) {
        return """
                {"architecture": "%s", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": [%s]},
                 "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}
                """.formatted(architecture(), command, layer);
    }

    private static void tar(Path to, Path from, String... entries) {
        List<String> command = new ArrayList<>(List.of("tar", "-C", from.toString(), "-cf", to.toString()));
        command.addAll(List.of(entries));
        Run.of(command).run().ok();
    }

    private static String architecture() {
        return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
