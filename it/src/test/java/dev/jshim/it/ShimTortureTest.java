package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The JVM of a shim for a whole namespace is killed, stopped, starved of memory and replaced again and again, beneath
 * clients that do not pause and under containers with every kind of stream: nobody notices. What is done, and when,
 * follows from a number: {@code -Djshim.torture.seed=N} chooses another one, {@code -Djshim.torture.kills=N} how many
 * deaths of a JVM there are to be, of whatever, in each row.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("setups")
class ShimTortureTest extends ShimScenario {
    private static final boolean ALL = Boolean.getBoolean("jshim.test.all");
    /** With {@code --all} more than a thousand in the six rows. */
    private static final int DEATHS = Integer.getInteger("jshim.torture.kills", ALL ? 170 : 20);
    /** Milliseconds at most before the next disturbance. */
    private static final int QUIET = ALL ? 1000 : 600;
    /** In milliseconds, the keeper's: it takes a JVM that has not answered for one for hanging. */
    private static final int SECOND = 100;

    private static final long SEED = Long.getLong("jshim.torture.seed", 1);
    private static final int CLIENTS = 3;
    /**
     * A call over which eight JVMs have died fails. So none sees more than this before others are added: beside those
     * that are killed here there are those that the keeper takes for hanging, on a busy machine.
     */
    private static final int MOST_SEEN = 3;
    /** Beside those with a stream of their own kind. */
    private static final int SLEEPERS = ALL ? 15 : 5;

    private static final Duration SERVES = Duration.ofSeconds(60);
    /** Ten of the keeper's seconds, and what a busy machine takes. */
    private static final Duration HANGS = Duration.ofSeconds(30);

    private static final String COUNT = "trap 'exit 42' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";

    private static final String LOGGER = """
            #!/bin/sh
            exec 5>&-
            exec cat <&3 >"$2/out"
            """;

    /** What ended by itself, or by a client's will, with its code, by "container process". */
    private final Map<String, Integer> exits = new ConcurrentHashMap<>();

    private final CallTimes times = new CallTimes();
    /** What was done from outside, and how often. */
    private final Map<String, Integer> disturbances = new TreeMap<>();

    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger serial = new AtomicInteger();

    private Path folder = Path.of("/");
    private volatile boolean over;

    ShimTortureTest(Setup setup) {
        super(setup);
    }

    /** One shim for all: with {@code --all} under each containerd. */
    static Stream<Setup> setups() {
        return Stream.of(Release.values())
                .filter(release -> ALL || release == Release.V2)
                .map(release -> new Setup(
                        release, Product.RUNTIME, release == Release.V2 ? Engine.RUNC_NEWEST : Engine.RUNC, true));
    }

    /** What ends a JVM, if it may: at so many steps of its calls, notes and events. */
    static Stream<String> faults() {
        String other = System.getProperty("jshim.torture.fault");
        if (other != null) {
            return Stream.of(other);
        }
        return ALL ? Stream.of("task-*:100:halt", "task-*:100:exhaust") : Stream.of("task-*:100:halt");
    }

    private NextFault startWith(String point) {
        NextFault fault = NextFault.of(node, point);
        node.stop();
        node.setVariable("JSHIM_JAVA_OPTS", fault.option());
        node.setVariable("JSHIM_KEEPER_SECOND", Integer.toString(SECOND));
        node.start();
        return fault;
    }

    @ParameterizedTest(name = "and each JVM dies at {0}")
    @MethodSource("faults")
    void nobodyNotices(String point) throws Exception {
        NextFault fault = startWith(point);
        Counter counter = Counter.start(node, runtime, "counter");
        Streams waiter = Streams.start(node, runtime, "waiter", "/bin/cat");
        Path file = node.dir().resolve("file.log");
        detached("file", "file://" + file, "/bin/sh", "-c", COUNT);
        Path logs = Files.createDirectories(node.dir().resolve("logs"));
        Path logger = Files.writeString(logs.resolve("logger"), LOGGER);
        logger.toFile().setExecutable(true);
        detached("logged", "binary://" + logger + "?into=" + logs, "/bin/sh", "-c", COUNT);
        Lines terminal = NewTrio.terminal(node, runtime, "terminal", COUNT);
        Map<String, ProcessFacts> inits = new LinkedHashMap<>();
        for (int i = 0; i < SLEEPERS; i++) {
            inits.put("c" + i, sleeper("c" + i));
        }
        for (String id : List.of("counter", "waiter", "file", "logged", "terminal")) {
            inits.put(id, node.init(id));
        }
        ProcessFacts shim = ShimProcess.of(node, "counter");
        folder = ShimProcess.folder(node, "counter");
        EventLog events = EventLog.open(node);
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            int client = i;
            clients.add(Thread.ofPlatform().start(() -> use(inits, client)));
        }

        disturb(shim, fault);
        dieOf(fault, shim);

        over = true;
        for (Thread client : clients) {
            client.join();
        }
        assertThat(failures).as("what clients have seen").isEmpty();
        assertThat(shim.alive()).as("the keeper").isTrue();
        Wait.until(SERVES, "all are there", () -> areThere(inits));
        inits.forEach((id, init) -> assertThat(init.alive())
                .as("%s %s: %s", id, init, events.of(id))
                .isTrue());
        counter.awaitProgress();
        counter.gapless();
        waiter.write("in the end");
        Wait.until("the answer", () -> waiter.lines().contains("in the end"));
        gapless(file);
        gapless(logs.resolve("out"));
        terminal.gapless();
        for (String id : List.of("counter", "file", "logged", "terminal")) {
            terminate(id);
            assertThat(events.exit(id, id).number("exit_status")).as(id).isEqualTo(42);
            exits.put(id + " " + id, 42);
        }
        exits.forEach((process, code) -> {
            String[] names = process.split(" ", 2);
            assertThat(events.exit(names[0], names[1]).number("exit_status"))
                    .as(process)
                    .isEqualTo((long) code);
        });
        events.quiet(Duration.ofSeconds(3));
        assertToldOnce(events);
        assertThat(disconnected()).doesNotContainAnyElementsOf(inits.keySet());
        report(point);
        inits.keySet().forEach(node::remove);
    }

    /** The JVM may die over this, too, and nobody can know then whether the signal was sent. */
    private void terminate(String id) {
        Outcome kill = node.ctr("task", "kill", "-s", "TERM", id);
        if (kill.code() != 0) {
            assertThat(kill.err()).containsAnyOf("may have been sent", "not found", "already finished");
            node.ctr("task", "kill", "-s", "TERM", id);
        }
    }

    /** The containers that containerd has lost its connection for; it says so of one that was deleted, too. */
    private List<String> disconnected() {
        return node.logText()
                .lines()
                .filter(line -> line.contains("shim disconnected"))
                .map(line -> line.replaceFirst(".* id=(\\S+).*", "$1"))
                .toList();
    }

    private void detached(String id, String log, String... argv) {
        node.ctr(node.runArgs(runtime, List.of("-d", "--log-uri", log), id, argv)
                        .toArray(String[]::new))
                .ok();
    }

    /** Every number from the first line on. */
    private static void gapless(Path file) throws IOException {
        Lines.gapless(Files.readString(file));
    }

    private void assertToldOnce(EventLog events) {
        List<String> told = events.all().stream()
                .filter(event -> event.topic().equals("/tasks/exit"))
                .map(event -> event.text("container_id") + " " + event.text("id") + " " + event.number("exit_status"))
                .toList();
        List<String> expected = new ArrayList<>();
        exits.forEach((exec, code) -> expected.add(exec + " " + code));
        assertThat(told).containsExactlyInAnyOrderElementsOf(expected);
    }

    /** Until there were as many deaths as there are to be. */
    private void disturb(ProcessFacts shim, NextFault fault) {
        Random random = new Random(SEED);
        while (deaths() < DEATHS && failures.isEmpty()) {
            times.harm(MOST_SEEN, () -> !failures.isEmpty());
            Wait.pause(Duration.ofMillis(random.nextInt(QUIET)));
            int how = random.nextInt(24);
            int millis = random.nextInt(SECOND * 5);
            ProcessFacts jvm = ProcessFacts.find(ShimProcess.jvm(shim)).orElse(null);
            if (jvm == null) {
                continue; // The keeper waits before it starts the next one.
            }
            if (how > 12) {
                times.harm(MOST_SEEN, () -> !failures.isEmpty());
                fault.allow();
                Signal.KILL.to(jvm.pid());
                count("kill -9, and a fault");
            } else if (how > 4) {
                Signal.KILL.to(jvm.pid());
                count("kill -9");
            } else if (how == 4) {
                Signal.STOP.to(jvm.pid());
                Wait.until(HANGS, "the keeper kills a JVM that does not go on", () -> !jvm.alive());
                count("stopped");
            } else if (how > 1) {
                Signal.STOP.to(jvm.pid());
                Wait.pause(Duration.ofMillis(millis));
                Signal.CONT.to(jvm.pid());
                count("stopped for a moment");
            } else {
                // It may die over the answer, by a fault, and so may the next one.
                Product.ctl(node, "shim", "replace", "counter");
                count("replaced");
            }
        }
    }

    /** So that the fault is one that can happen: clients go on meanwhile. */
    private void dieOf(NextFault fault, ProcessFacts shim) {
        times.harm(MOST_SEEN, () -> !failures.isEmpty());
        fault.allow();
        ProcessFacts.find(ShimProcess.jvm(shim)).ifPresent(jvm -> Signal.KILL.to(jvm.pid()));
        Wait.until(SERVES, "a JVM dies of " + fault.point(), () -> fault.hasHappened() || !failures.isEmpty());
    }

    private void count(String disturbance) {
        disturbances.merge(disturbance, 1, Integer::sum);
    }

    /** Of whatever. */
    private int deaths() {
        return Integer.parseInt(ShimProcess.status(folder, "restarts"));
    }

    /** One client after another's call, on containers that no other client uses. */
    private void use(Map<String, ProcessFacts> inits, int client) {
        Random random = new Random(SEED * 31 + client);
        List<String> mine = new ArrayList<>();
        for (int i = client; i < SLEEPERS; i += CLIENTS) {
            mine.add("c" + i);
        }
        try {
            while (!over && failures.isEmpty()) {
                times.measure(() ->
                        call(mine.get(random.nextInt(mine.size())), inits, random.nextInt(8), random.nextInt(100)));
            }
        } catch (RuntimeException | AssertionError e) {
            failures.add(e);
        }
    }

    private void call(String id, Map<String, ProcessFacts> inits, int kind, int code) {
        String name = "e" + serial.incrementAndGet();
        switch (kind) {
            case 0 -> {
                node.exec(id, name, "/bin/sh", "-c", "exit " + code).expect(code);
                exits.put(id + " " + name, code);
            }
            case 1 -> {
                assertThat(node.echo(id, name, "word" + code)).contains("word" + code);
                exits.put(id + " " + name, 0);
            }
            case 2 -> {
                node.ctr("task", "pause", id).ok();
                // containerd waits 2 s for a State, then says UNKNOWN.
                Wait.until("it is paused", () -> Tasks.of(node).get(id).status().equals("PAUSED"));
                node.ctr("task", "resume", id).ok();
            }
            case 3 -> {
                node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", name, id, "/bin/sleep", "1000")
                        .ok();
                node.ctr("task", "kill", "-s", "KILL", "--exec-id", name, id).ok();
                Wait.until("the exec ends", () -> !ProcessList.of(node, id).hasExec(name));
                node.ctr("task", "rm", "--exec-id", name, id);
                exits.put(id + " " + name, 137);
            }
            case 4 -> node.ctr("task", "metrics", id).ok();
            case 5 -> {
                node.run(runtime, name, "/bin/sh", "-c", "exit " + code).expect(code);
                exits.put(name + " " + name, code);
            }
            case 6 -> {
                // Its pid is not asked for: it is UNKNOWN if the answer takes containerd more than 2 s.
                node.ctr(node.runArgs(runtime, List.of("-d"), name, "/bin/sleep", "1000")
                                .toArray(String[]::new))
                        .ok();
                node.remove(name);
                exits.put(name + " " + name, 137);
            }
            default -> Wait.until("all are there", () -> areThere(inits));
        }
    }

    private boolean areThere(Map<String, ProcessFacts> inits) {
        Tasks tasks = Tasks.of(node);
        return inits.entrySet().stream()
                .allMatch(each -> tasks.has(each.getKey())
                        && tasks.get(each.getKey()).pid() == each.getValue().pid());
    }

    private void report(String point) {
        Map<String, Integer> causes = new TreeMap<>();
        node.logText()
                .lines()
                .filter(line -> line.contains("has died; another one continues"))
                .forEach(line ->
                        causes.merge(line.replaceFirst(".* end=\"?([a-z]+( \\d+)?)\"?.*", "$1"), 1, Integer::sum));
        System.out.printf(
                "torture, %s: %d deaths of the JVM (the next one has said of what: %s); from outside %s; %d exits; %s%n",
                point, deaths(), causes, disturbances, exits.size(), times.summary());
    }
}
