package dev.jshim.bridge;

import dev.jshim.node.RuntimeState;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the OCI runtime still keeps of an adopted container. An id is used again, under the same root of the runtime
 * too: by a new task of a containerd 2.x, or by an old daemon. Whose the state is only the state itself says, by init's
 * pid and start time; what does not say it is not ours.
 */
final class LeftState {
    private LeftState() {}

    /** Whether there is one, of this very container. */
    static boolean isThere(LegacyRecord record) {
        var state = RuntimeState.read(directory(record));
        if (state == null) {
            return false;
        }
        var init = state.init();
        if (init == null || init.pid() != record.init().pid()) {
            return false;
        }
        // One that had exited before it was adopted has no start time on record.
        return record.init().startTicks() == 0 ? isOf(state.bundle(), record.v1Bundle()) : init.equals(record.init());
    }

    private static Path directory(LegacyRecord record) {
        return record.runtimeRoot().resolve(record.id());
    }

    private static boolean isOf(@Nullable Path bundle, Path v1Bundle) {
        if (bundle == null) {
            return false;
        }
        try {
            return bundle.toRealPath().equals(v1Bundle.toRealPath());
        } catch (IOException e) {
            return false;
        }
    }
}
