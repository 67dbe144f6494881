import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import com.google.cloud.tools.jib.api.buildplan.ImageFormat;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.Set;

/**
 * Packs a folder as an OCI image in a tar file, run from its source: {@code MakeImage FOLDER NAME ARCHITECTURE SECONDS
 * FILE}. Each folder at the top is a layer; a program is what may be executed. The same files give the same bytes. Asks no
 * registry and no Docker.
 */
final class MakeImage {
    private static final FilePermissions PROGRAM = FilePermissions.fromOctalString("755");
    private static final FilePermissions FILE = FilePermissions.fromOctalString("644");

    private MakeImage() {}

    public static void main(String[] args) throws Exception {
        var folder = Path.of(args[0]);
        var time = Instant.ofEpochSecond(Long.parseLong(args[3]));
        var image = Jib.fromScratch()
                .setFormat(ImageFormat.OCI)
                .setPlatforms(Set.of(new Platform(args[2], "linux")))
                .setCreationTime(time)
                .setEntrypoint("/bin/busybox", "sh", "/jshim/entry.sh");
        try (var tops = Files.list(folder)) {
            for (var top : tops.sorted().toList()) {
                image.addFileEntriesLayer(layer(folder, top, time));
            }
        }
        var cache = Files.createTempDirectory("jshim-image");
        try {
            image.containerize(Containerizer.to(TarImage.at(Path.of(args[4])).named(args[1]))
                    .setBaseImageLayersCache(cache)
                    .setApplicationLayersCache(cache)
                    .setOfflineMode(true)
                    .setToolName("jshim"));
        } finally {
            try (var all = Files.walk(cache)) {
                for (var each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
        // its threads are no daemons
        System.exit(0);
    }

    private static FileEntriesLayer layer(Path root, Path top, Instant time) throws Exception {
        var layer = FileEntriesLayer.builder().setName(top.getFileName().toString());
        try (var all = Files.walk(top)) {
            for (var file : all.sorted().toList()) {
                var isProgram = Files.isDirectory(file) || Files.isExecutable(file);
                layer.addEntry(
                        file, AbsoluteUnixPath.get("/" + root.relativize(file)), isProgram ? PROGRAM : FILE, time);
            }
        }
        return layer.build();
    }
}
