package dev.jshim.ctl;

import dev.jshim.ctl.cli.Host;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A machine that is whatever a test wants.
 *
 * @param free bytes, of 2 TiB in each file system
 */
public record FakeHost(
        String kernel,
        String cgroups,
        @Nullable String killMode,
        @Nullable String crun,
        long free) implements Host {
    /** One with which nothing is wrong. */
    public static final FakeHost GOOD = new FakeHost("6.1.0", "v2", "process", "crun version 1.14", 1L << 40);

    @Override
    public Space space(Path folder) {
        return new Space(free, 1L << 41);
    }
}
