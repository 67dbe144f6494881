package dev.jshim.shim.oci;

import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** How init comes to run at Start. One call at a time. */
sealed interface InitLaunch {
    /** The process as it is before the start; null if the start makes it. */
    @Nullable
    InitProcess waiting();

    /** The same with other streams, if they matter to it. */
    default InitLaunch with(ProcessIo io) {
        return this;
    }

    /** Sets init going. May be tried again when it failed. */
    InitProcess launch();

    /** A container that the runtime has created: init waits for the start. */
    record Created(Container container, InitProcess waiting) implements InitLaunch {
        @Override
        public InitProcess launch() {
            container.runc().start(container.id());
            return waiting;
        }
    }

    /**
     * A container that is made from a checkpoint (process/init.go createCheckpointedState, v2.1.4).
     *
     * @param image the directory of the checkpoint
     * @param parent that of an earlier one that it builds on, empty for none
     * @param pidFile where the runtime leaves init's pid
     */
    record Restored(Container container, ProcessIo io, Path image, String parent, Path pidFile) implements InitLaunch {
        @Override
        public @Nullable InitProcess waiting() {
            return null;
        }

        @Override
        public InitLaunch with(ProcessIo other) {
            return new Restored(container, other, image, parent, pidFile);
        }

        @Override
        public InitProcess launch() {
            try (var window = container.reaper().open()) {
                Files.deleteIfExists(pidFile);
                var work = container.criuWork();
                Files.createDirectories(work);
                container.runc().restore(container.id(), image, parent, work, pidFile, Runc.Streams.of(io));
                io.started();
                var pid = BundleFiles.readPid(pidFile);
                return InitProcess.of(pid, window.claim(pid));
            } catch (IOException e) {
                container.discard();
                throw new ShimException(ShimException.Kind.UNKNOWN, "OCI runtime restore failed: " + e.getMessage(), e);
            } catch (RuntimeException e) {
                container.discard();
                throw e;
            }
        }
    }
}
