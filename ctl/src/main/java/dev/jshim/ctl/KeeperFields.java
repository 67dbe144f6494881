package dev.jshim.ctl;

import dev.jshim.node.shim.KeeperState;
import org.jspecify.annotations.Nullable;

/** How a keeper and what it keeps stand, as {@link Fields}. */
final class KeeperFields {
    private KeeperFields() {}

    /** Null for no keeper. */
    static @Nullable Fields of(@Nullable KeeperState keeper) {
        return keeper == null
                ? null
                : new Fields()
                        .with("state", keeper.state())
                        .with("restarts", keeper.restarts())
                        .with("lastDeath", lastDeath(keeper))
                        .with("replacementFailed", keeper.hasFailed());
    }

    /** How and when it died last; null if it never did. */
    static @Nullable String lastDeath(KeeperState keeper) {
        return keeper.restarts() == 0 ? null : keeper.last() + " at " + keeper.at();
    }
}
