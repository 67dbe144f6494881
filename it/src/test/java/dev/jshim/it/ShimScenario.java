package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;

/** A scenario with a daemon of its own, after which nothing may be left on the machine. */
abstract class ShimScenario extends Scenario {
    private static final String[] SLEEP = {"/bin/sleep", "1000"};

    final Setup setup;
    final String runtime;

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
