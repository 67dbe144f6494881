package dev.jshim.shim.oci;

import dev.jshim.linux.MountSpec;
import dev.jshim.linux.Mounts;
import dev.jshim.proto.v1.types.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * A container's root file system in its bundle, mounted by the shim or not.
 *
 * <p>Each call has a platform thread while it lasts: mount(2) and umount(2) wait for file servers and FUSE daemons, and
 * with each that hangs in a virtual thread the shim would have one carrier less to answer with.
 */
record Rootfs(Path path) {
    @FunctionalInterface
    private interface Work {
        void run() throws IOException;
    }

    /** Makes mounts, in order; none leaves the folder as it is. */
    void mount(List<Mount> mounts) throws IOException {
        if (mounts.isEmpty()) {
            return;
        }
        Files.createDirectories(path);
        var specs = mounts.stream().map(Rootfs::spec).toList();
        await("mount", () -> Mounts.mountAll(specs, path));
    }

    private static MountSpec spec(Mount mount) {
        return new MountSpec(mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList());
    }

    /** Takes away whatever is mounted there and below. */
    void unmount() throws IOException {
        await("unmount", () -> Mounts.unmountRecursive(path));
    }

    private static void await(String name, Work work) throws IOException {
        var done = new CompletableFuture<Boolean>();
        Thread.ofPlatform().name(name).daemon().start(() -> {
            try {
                work.run();
                done.complete(true);
            } catch (IOException | RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        try {
            done.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
