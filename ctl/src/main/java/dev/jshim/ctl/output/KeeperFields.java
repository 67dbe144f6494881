package dev.jshim.ctl.output;

import dev.jshim.node.shim.KeeperState;
import org.jspecify.annotations.Nullable;

/** How a keeper and what it keeps stand, as {@link Fields}. */
public final class KeeperFields {
    private KeeperFields() {}

    /** Null for no keeper. */
    public static @Nullable Fields of(@Nullable KeeperState keeper) {
        return keeper == null
                ? null
                : new Fields()
                        .with("state", keeper.state())
                        .with("restarts", keeper.restarts())
                        .with("lastDeath", lastDeath(keeper))
                        .with("replacementFailed", keeper.hasFailed());
    }

    /** How and when it died last; null if it never did. */
    public static @Nullable String lastDeath(KeeperState keeper) {
        return keeper.restarts() == 0 ? null : keeper.last() + " at " + keeper.at();
    }
}
