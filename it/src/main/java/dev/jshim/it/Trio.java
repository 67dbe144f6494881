package dev.jshim.it;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Three containers of the v1 runtime, as they are carried through an upgrade: one that counts to its standard output,
 * one that waits on its standard input, one with an exec running.
 *
 * @param counter the counting one, named {@link #COUNTER}
 * @param waiter the streams of the waiting one, named {@link #WAITER}
 * @param processes what must go on running, by a name for people: three init processes, the exec, three v1 shims
 */
public record Trio(Counter counter, Streams waiter, Map<String, ProcessFacts> processes) {
    public static final String COUNTER = "counter";
    public static final String WAITER = "waiter";
    public static final String HOLDER = "holder";
    /** The id of the exec in {@link #HOLDER}. */
    public static final String WORKER = "worker";

    /** The containers' ids. */
    public static final List<String> IDS = List.of(COUNTER, WAITER, HOLDER);

    public Trio {
        processes = Collections.unmodifiableMap(new LinkedHashMap<>(processes));
    }

    /** Starts them under a running daemon that has the v1 runtime. */
    public static Trio start(PrivateContainerd node) {
        Counter counter = Counter.start(node, Product.LEGACY, COUNTER);
        Streams waiter = Streams.start(node, Product.LEGACY, WAITER, "/bin/cat");
        node.runDetached(Product.LEGACY, HOLDER, "/bin/sleep", "100000");
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", WORKER, HOLDER, "/bin/sleep", "100001")
                .ok();
        Map<String, ProcessFacts> processes = new LinkedHashMap<>();
        for (String id : IDS) {
            ProcessFacts init = node.init(id);
            processes.put(id, init);
            processes.put(id + "'s shim", ProcessFacts.of(init.parent()));
        }
        processes.put(WORKER, ProcessList.of(node, HOLDER).exec(WORKER));
        return new Trio(counter, waiter, processes);
    }

    /** One of the processes. */
    public ProcessFacts process(String name) {
        ProcessFacts facts = processes.get(name);
        if (facts == null) {
            throw new IllegalArgumentException(name);
        }
        return facts;
    }

    /**
     * Says that all of the very same processes run, and that nothing of the count was lost.
     *
     * @throws IllegalStateException that names what is not so
     */
    public String unharmed() {
        processes.forEach((name, facts) -> {
            if (!facts.alive()) {
                throw new IllegalStateException(name + ", pid " + facts.pid() + ", does not run any more");
            }
        });
        counter.awaitProgress();
        return processes.size() + " processes with the same pids and start times, counter at " + counter.gapless();
    }

    /**
     * Says that a daemon lists all three as running, with their pids.
     *
     * @throws IllegalStateException if it does not
     */
    public String listed(PrivateContainerd node) {
        Tasks tasks = Tasks.of(node);
        for (String id : IDS) {
            if (!tasks.isRunning(id) || tasks.get(id).pid() != process(id).pid()) {
                throw new IllegalStateException(
                        "not RUNNING with pid " + process(id).pid() + ": " + tasks);
            }
        }
        return "three tasks RUNNING";
    }

    /**
     * Says that the waiting container reads its input and answers.
     *
     * @throws IllegalStateException if it does not
     */
    public String answers(String word) {
        waiter.write(word);
        Wait.until("the answer '" + word + "'", () -> waiter.lines().contains(word));
        return "wrote '" + word + "', read it back";
    }

    /** Kills all that runs in the containers, and deletes tasks and records. */
    public void remove(PrivateContainerd node) {
        IDS.forEach(node::remove);
    }
}
