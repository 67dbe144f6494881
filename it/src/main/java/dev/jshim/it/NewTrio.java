package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Three new containers on our runtime, each with streams of another kind: one that counts to a FIFO, one to a terminal,
 * one to a file.
 *
 * @param counter the one with the FIFO, named {@link #COUNTER}
 * @param terminal what the one with the terminal, named {@link #TERMINAL}, has said
 * @param file what the one named {@link #FILE} has written
 * @param inits their init processes by their ids
 */
record NewTrio(Counter counter, Lines terminal, Path file, Map<String, ProcessFacts> inits) {
    static final String COUNTER = "new-counter";
    static final String TERMINAL = "new-terminal";
    static final String FILE = "new-file";

    private static final String COUNT = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";

    static NewTrio start(PrivateContainerd node) {
        Counter counter = Counter.start(node, Product.RUNTIME, COUNTER);
        Path file = node.dir().resolve("new-file.log");
        List<String> flags = List.of("-d", "--log-uri", "file://" + file);
        node.ctr(node.runArgs(Product.RUNTIME, flags, FILE, "/bin/sh", "-c", COUNT)
                        .toArray(String[]::new))
                .ok();
        Lines terminal = terminal(node, Product.RUNTIME, TERMINAL, COUNT);
        Map<String, ProcessFacts> inits = new LinkedHashMap<>();
        for (String id : List.of(COUNTER, TERMINAL, FILE)) {
            inits.put(id, node.init(id));
        }
        return new NewTrio(counter, terminal, file, inits);
    }

    /** Starts a container whose terminal is read from the first byte on. */
    static Lines terminal(PrivateContainerd node, String runtime, String id, String script) {
        // Before that this client may read what is meant for the next one.
        String waits = "until [ -e /heard ]; do sleep 0.1; done; " + script;
        List<String> args = node.runArgs(runtime, List.of("-d", "-t"), id, "/bin/sh", "-c", waits);
        node.ctrOnTerminal(List.of(), args.toArray(String[]::new)).ok();
        Path fifos = Path.of(args.get(args.indexOf("--fifo-dir") + 1));
        try (Stream<Path> found = Files.walk(fifos)) {
            Path out = found.filter(path -> path.endsWith(id + "-stdout"))
                    .findFirst()
                    .orElseThrow();
            Lines lines = node.attach(Lines.of(out));
            Files.createFile(Path.of("/proc/" + node.init(id).pid() + "/root/heard"));
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The keeper of the one shim that serves all three. */
    long shim() {
        return inits.values().iterator().next().parent();
    }

    /**
     * Says that the very same processes run, and that nothing of what they count was lost.
     *
     * @throws IllegalStateException that names what is not so
     */
    String unharmed() {
        inits.forEach((id, init) -> {
            if (!init.alive()) {
                throw new IllegalStateException(id + ", pid " + init.pid() + ", does not run any more");
            }
        });
        counter.awaitProgress();
        terminal.gapless();
        try {
            Lines.gapless(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "the same three processes; FIFO at " + counter.gapless() + ", terminal and file without a gap";
    }

    void remove(PrivateContainerd node) {
        inits.keySet().forEach(node::remove);
    }
}
