package dev.jshim.it;

import java.time.Duration;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A scenario with a daemon of its own, after which nothing may be left on the machine. */
@SuppressWarnings("NullAway.Init") // Set before each test.
public abstract class Scenario {
    @RegisterExtension
    static final NothingLeft NOTHING_LEFT = new NothingLeft();

    /** Longer than a shim stays that nobody needs any more. */
    private static final Duration QUIET = Duration.ofSeconds(60);

    /** Null as long as there is no daemon, and if none could be made. */
    protected PrivateContainerd node;

    /**
     * Ends what runs and waits until nothing is left; called after a test that did not fail, while the next one runs.
     *
     * @throws RuntimeException that names what is left
     */
    void finish(PrivateContainerd node) {
        node.finish(QUIET);
    }
}
