package dev.jshim.ctl.leftover;

import dev.jshim.linux.MountFlags;
import dev.jshim.linux.MountPoint;
import dev.jshim.linux.Mounts;
import dev.jshim.node.leftover.Leftover;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Removes things that nobody uses. Of a bundle's rootfs nothing is ever deleted: it is a mount point, and what can be
 * seen in it is an image's.
 */
final class Cleaner {
    private static final List<String> ROOTFS = List.of("rootfs");

    /** Why it was not removed; null if it was. */
    @Nullable
    String remove(Leftover left) {
        try {
            switch (left.kind()) {
                case MOUNT -> Mounts.unmount(left.path(), MountFlags.UMOUNT_NOFOLLOW);
                case CGROUP, SOCKET -> Files.deleteIfExists(left.path());
                case FIFO -> {
                    Files.deleteIfExists(left.path());
                    deleteIfEmpty(left.path().getParent());
                }
                case RUNTIME_STATE, BUNDLE -> tree(left.path());
                case SHIM -> {
                    return "clean ends no process: end it by its pid";
                }
            }
            return null;
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void deleteIfEmpty(@Nullable Path folder) throws IOException {
        try {
            if (folder != null) {
                Files.deleteIfExists(folder);
            }
        } catch (DirectoryNotEmptyException e) {
            return;
        }
    }

    /**
     * Follows no link and enters no mount, whose files are anybody's; a rootfs is removed only if it is empty, and
     * before anything else is.
     */
    private static void tree(Path root) throws IOException {
        for (var mount : MountPoint.all()) {
            if (Path.of(mount.path()).startsWith(root.toRealPath())) {
                throw new IOException(mount.path() + " is mounted there");
            }
        }
        for (var name : ROOTFS) {
            deleteRootfs(root.resolve(name));
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException error) throws IOException {
                if (error != null) {
                    throw error;
                }
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static void deleteRootfs(Path rootfs) throws IOException {
        try {
            Files.deleteIfExists(rootfs);
        } catch (DirectoryNotEmptyException e) {
            throw new IOException(rootfs + " is not empty: something is mounted there, or was copied into it", e);
        }
    }
}
