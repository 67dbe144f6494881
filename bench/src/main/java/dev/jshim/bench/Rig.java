package dev.jshim.bench;

import dev.jshim.it.PrivateContainerd;
import dev.jshim.it.Product;
import dev.jshim.it.Release;
import dev.jshim.it.Run;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One private daemon with all subjects on it. Which grouping ours has is said by the node's configuration, which is
 * there or not: a start reads it each time.
 *
 * <p>{@link #use} by one thread; the rest by any.
 */
final class Rig implements AutoCloseable {
    /** A shim stays for 10 s after its last container. */
    private static final Duration END = Duration.ofSeconds(40);

    private final PrivateContainerd node;
    private final Path rootfs;
    private final Path config;
    private final Map<String, Path> configs = new HashMap<>();
    private final Thread hook;
    private final AtomicInteger names = new AtomicInteger();

    /** @param criu whether the shims find criu; where ours does, it gives containers pipes in the place of FIFOs */
    Rig(boolean criu) {
        Product.home();
        node = PrivateContainerd.create(Release.V2);
        if (!criu) {
            node.hide("criu");
        }
        rootfs = node.rootfs();
        config = node.dir().resolve("jshim.toml");
        node.setVariable("JSHIM_CONFIG", config.toString());
        var javaOptions = System.getenv("JSHIM_JAVA_OPTS"); // to try a flag of the shim's JVM
        if (javaOptions != null) {
            node.setVariable("JSHIM_JAVA_OPTS", javaOptions);
        }
        // Ctrl-C must not leave containers behind.
        hook = Thread.ofPlatform().unstarted(node::close);
        Runtime.getRuntime().addShutdownHook(hook);
        node.start();
    }

    PrivateContainerd node() {
        return node;
    }

    /** What the containers see as their root, all the same one. */
    Path rootfs() {
        return rootfs;
    }

    /** From now on this one starts. Keeps the configuration's time, by which a shim tells a new one. */
    void use(Subject subject) {
        use(subject, "");
    }

    /** @param more lines of the node's configuration */
    void use(Subject subject, String more) {
        var text = (subject == Subject.POD ? "Grouping = \"pod\"\n" : "") + more;
        try {
            Files.deleteIfExists(config);
            if (!text.isEmpty()) {
                var file = configs.get(text);
                if (file == null) {
                    file = Files.writeString(node.dir().resolve("jshim-" + configs.size() + ".toml"), text);
                    configs.put(text, file);
                }
                Files.createSymbolicLink(config, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An id that was not there before. */
    String name() {
        return "b" + names.incrementAndGet();
    }

    /** The command line that runs a container in the foreground and removes it. */
    List<String> run(Subject subject, String... argv) {
        return run(subject, List.of("--rm"), name(), argv);
    }

    /** The same in a namespace that nothing has run in yet. */
    List<String> first(Subject subject, String... argv) {
        var id = name();
        return node.ctrCommandBeside(id, node.runArgs(subject.runtime(), List.of("--rm"), rootfs, id, argv));
    }

    List<String> run(Subject subject, List<String> flags, String id, String... argv) {
        return node.ctrCommand(node.runArgs(subject.runtime(), flags, rootfs, id, argv));
    }

    /** Starts a container that sleeps; returns its id. */
    String sleeper(Subject subject) {
        use(subject);
        var id = name();
        Run.of(run(subject, List.of("-d"), id, "/bin/sleep", "100000")).run().ok();
        return id;
    }

    /** The command line of a process in a container. */
    List<String> exec(String id, List<String> flags, String... argv) {
        var args = new ArrayList<>(List.of("task", "exec", "--fifo-dir", node.fifos(), "--exec-id", name()));
        args.addAll(flags);
        args.add(id);
        args.addAll(List.of(argv));
        return node.ctrCommand(args);
    }

    /** The wall time of a command that must succeed, in ms. */
    static double millis(List<String> command) {
        var begin = System.nanoTime();
        Run.of(command).run().ok();
        return (System.nanoTime() - begin) / 1e6;
    }

    /** Waits for the shims to end by themselves: one that is killed leaves its group's folder below /run/jshim. */
    @Override
    public void close() {
        try {
            node.finish(END);
        } finally {
            node.close();
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }
}
