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

    private Image() {}

    /** Writes the archive (docker's format: a manifest, a configuration, one layer) into a folder, which is made. */
    public static Path archive(Path folder) throws IOException {
        Files.createDirectory(folder);
        Path layer = folder.resolve("layer.tar");
        tar(layer, Rootfs.make(folder.resolve("rootfs")), ".");
        Files.writeString(folder.resolve("config.json"), """
                {"architecture": "%s", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
                 "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}
                """.formatted(architecture(), sha256(layer)));
        Files.writeString(folder.resolve("manifest.json"), """
                [{"Config": "config.json", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]
                """.formatted(NAME));
        Path archive = folder.resolve("image.tar");
        tar(archive, folder, "manifest.json", "config.json", "layer.tar");
        return archive;
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
