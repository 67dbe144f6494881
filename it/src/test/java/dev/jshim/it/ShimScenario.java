package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A scenario with a daemon of its own, after which nothing may be left on the machine. */
abstract class ShimScenario {
    /** A shim of a whole node stays for a while after its last container. */
    private static final Duration QUIET = Duration.ofSeconds(60);

    private static final String[] SLEEP = {"/bin/sleep", "1000"};

    final Setup setup;
    final String runtime;
    PrivateContainerd node;
    private boolean failed;

    @RegisterExtension
    final AfterTestExecutionCallback outcome =
            context -> failed = context.getExecutionException().isPresent();

    ShimScenario(Setup setup) {
        this.setup = setup;
        runtime = setup.runtime();
    }

    @BeforeEach
    void start() {
        if (setup.ours()) {
            Product.home();
        }
        node = PrivateContainerd.create(setup.release());
        node.use(setup.engine());
        if (setup.ours() && !setup.wholeNode()) {
            node.configure("Grouping = \"pod\"\n");
        }
        prepare();
        node.start();
    }

    /** What {@link #node} needs before its first start. */
    void prepare() {}

    @AfterEach
    void nothingIsLeft() {
        if (node == null) {
            return; // There was no daemon to start; the failure of that is reported.
        }
        try {
            if (!failed) {
                node.finish(QUIET);
            }
        } finally {
            node.close();
        }
    }

    /** A Go shim that was killed leaves its socket in /run/containerd/s; ours may not. */
    void forgiveTheGoShim() {
        if (!setup.ours()) {
            node.forgiveStaleSockets();
        }
    }

    /**
     * For the end of a process of whose output a test wants every byte: ctr closes its ends of the FIFOs when it has
     * heard of the exit, whatever is still in them (pkg/cio/io_unix.go copyIO, v2.1.9).
     */
    static final String UNTIL_HEARD = "; until [ -e /heard ]; do sleep 0.1; done";

    /** Lets go on what waits in a running container by {@link #UNTIL_HEARD}. */
    void heard(String id) {
        try {
            Files.createFile(Path.of("/proc/" + node.init(id).pid() + "/root/heard"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A container that only sleeps. */
    ProcessFacts sleeper(String id) {
        return node.runDetached(runtime, id, SLEEP);
    }
}
