package dev.jshim.ctl.show;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.bundle.Bundle;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The files of a bundle with kind and size; none of them is opened. */
final class FileList {
    private static final int KIND = 0170000;

    private FileList() {}

    static Fields of(Bundle bundle) {
        return new Fields()
                .with("path", bundle.path().toString())
                .with("work", Files.isDirectory(bundle.work()) ? bundle.work().toString() : null)
                .with("files", files(bundle.path()));
    }

    private static List<Fields> files(Path directory) {
        var paths = new ArrayList<Path>();
        try (var entries = Files.newDirectoryStream(directory)) {
            entries.forEach(paths::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        paths.sort(null);
        var out = new ArrayList<Fields>();
        for (var path : paths) {
            var mode = attribute(path, "unix:mode");
            var size = attribute(path, "unix:size");
            out.add(new Fields()
                    .with("name", String.valueOf(path.getFileName()))
                    .with("kind", kind(path))
                    .with("mode", mode == null ? null : TaskFields.mode(mode.intValue()))
                    .with("size", size == null ? null : size.longValue()));
        }
        return out;
    }

    private static String kind(Path file) {
        var mode = attribute(file, "unix:mode");
        if (mode == null) {
            return "gone";
        }
        return switch (mode.intValue() & KIND) {
            case 0100000 -> "file";
            case 0040000 -> "directory";
            case 0120000 -> "link";
            case 0010000 -> "fifo";
            case 0140000 -> "socket";
            default -> "device";
        };
    }

    private static @Nullable Number attribute(Path file, String name) {
        try {
            return Files.getAttribute(file, name, LinkOption.NOFOLLOW_LINKS) instanceof Number number ? number : null;
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }
}
