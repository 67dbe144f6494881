package dev.jshim.bridge;

import dev.jshim.shim.task.Exit;
import org.jspecify.annotations.Nullable;

/** Is told of the deletion of a container, in the thread of the call that deletes it. */
interface Deletion {
    /**
     * It is about to be asked for.
     *
     * @param exit init's, null where it is not known
     */
    void begins(@Nullable Exit exit);

    /** Init's exit as a bridge has noted it that died over the deletion; null if there was none, or it did not know. */
    @Nullable
    Exit noted();

    /** It was refused: the container is there as before. */
    void refused();

    /** It is done, and nobody knows it yet. */
    void done(Exit exit);
}
