package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
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
 * The bridge is killed, stopped for a while, starved of memory and replaced again and again, under a containerd 2.x and
 * beneath clients that do not pause: nobody notices. What is done, and when, follows from a number:
 * {@code -Djshim.torture.seed=N} chooses another one, {@code -Djshim.torture.kills=N} how many are to die, of whatever.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class BridgeTortureTest extends MigrationScenario {
    private static final boolean ALL = Boolean.getBoolean("jshim.test.all");
    private static final int DEATHS = Integer.getInteger("jshim.torture.kills", ALL ? 200 : 10);
    private static final long SEED = Long.getLong("jshim.torture.seed", 1);
    private static final int CONTAINERS = ALL ? 17 : 5;
    private static final int CLIENTS = 3;
    /** For a v1 shim's own word of an exit, which takes long on a busy machine: ours would be the second one. */
    private static final String PATIENCE = " -Djshim.exit.patience=6";

    /** Execs with the code that each must end with, by "container exec". */
    private final Map<String, Integer> execs = new ConcurrentHashMap<>();

    private final CallTimes times = new CallTimes();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger serial = new AtomicInteger();
    private volatile boolean over;

    BridgeTortureTest(Release old) {
        super(old);
    }

    /** The old daemon has no part in it. */
    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    /** What ends a bridge, if it may: at so many steps of its calls to v1 shims and of its events. */
    static Stream<String> faults() {
        return ALL ? Stream.of("call-*:25:halt", "call-*:40:exhaust") : Stream.of("call-*:25:halt");
    }

    @ParameterizedTest(name = "and each bridge dies at {0}")
    @MethodSource("faults")
    void nobodyNotices(String point) throws InterruptedException {
        Trio trio = Trio.start(node);
        Map<String, ProcessFacts> inits = new TreeMap<>();
        for (int i = 0; i < CONTAINERS; i++) {
            inits.put("c" + i, legacy("c" + i));
        }
        Streams ending = endsOnRequest("ending", 7);
        node.stop();
        // Where the command itself comes to no such point.
        NextFault fault = NextFault.of(node, point);
        var variables = Map.of("JSHIM_JAVA_OPTS", fault.option() + PATIENCE, "JSHIM_KEEPER_SECOND", KeptBridge.SECOND);
        migrate(variables, "apply", "--yes").ok();
        node.switchTo(Release.V2);
        EventLog events = EventLog.open(node);
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            int client = i;
            clients.add(Thread.ofPlatform().start(() -> use(inits, client)));
        }

        KeptBridge bridge = new KeptBridge(node);
        Pauses pauses = new Pauses(bridge, node.bundle("c0"), failures::add);
        try (pauses) {
            bridge.disturb(DEATHS, new Random(SEED), fault, times, () -> !failures.isEmpty());
            bridge.dieOf(fault, times, () -> !failures.isEmpty());
        }

        over = true;
        for (Thread client : clients) {
            client.join();
        }
        assertThat(failures).as("what clients have seen").isEmpty();
        bridge.awaitServing();
        trio.listed(node);
        trio.unharmed();
        trio.answers("in the end");
        Wait.until("all are there", () -> areThere(inits));
        inits.forEach((id, init) -> assertThat(init.alive())
                .as("%s %s: %s", id, init, events.of(id))
                .isTrue());
        ending.write("now");
        assertThat(events.exit("ending", "ending").number("exit_status")).isEqualTo(7);
        execs.forEach((exec, code) -> {
            String[] names = exec.split(" ", 2);
            assertThat(events.exit(names[0], names[1]).number("exit_status"))
                    .as(exec)
                    .isEqualTo((long) code);
        });
        events.quiet(Duration.ofSeconds(8));
        assertToldOnce(events);
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        System.out.printf(
                "torture, %s: %d deaths of the bridge, %d exits, %s; with a death: %s%n",
                point, bridge.deaths(), execs.size() + 1, times.summary(), pauses.summary());
        assertThat(node.ctr("task", "rm", "ending").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "ending").ok();
        inits.keySet().forEach(node::remove);
        trio.remove(node);
    }

    private void assertToldOnce(EventLog events) {
        List<String> told = events.all().stream()
                .filter(event -> event.topic().equals("/tasks/exit"))
                .map(event -> event.text("container_id") + " " + event.text("id") + " " + event.number("exit_status"))
                .toList();
        List<String> expected = new ArrayList<>(List.of("ending ending 7"));
        execs.forEach((exec, code) -> expected.add(exec + " " + code));
        assertThat(told).containsExactlyInAnyOrderElementsOf(expected);
    }

    /** One client after another's call, on containers that no other client uses. */
    private void use(Map<String, ProcessFacts> inits, int client) {
        Random random = new Random(SEED * 31 + client);
        List<String> mine = new ArrayList<>();
        for (String id : inits.keySet()) {
            if (Integer.parseInt(id.substring(1)) % CLIENTS == client) {
                mine.add(id);
            }
        }
        try {
            while (!over && failures.isEmpty()) {
                times.measure(() ->
                        call(mine.get(random.nextInt(mine.size())), inits, random.nextInt(6), random.nextInt(100)));
            }
        } catch (RuntimeException | AssertionError e) {
            failures.add(e);
        }
    }

    private void call(String id, Map<String, ProcessFacts> inits, int kind, int code) {
        String exec = "e" + serial.incrementAndGet();
        switch (kind) {
            case 0 -> {
                node.exec(id, exec, "/bin/sh", "-c", "exit " + code).expect(code);
                execs.put(id + " " + exec, code);
            }
            case 1 -> {
                assertThat(node.echo(id, exec, "word" + code)).contains("word" + code);
                execs.put(id + " " + exec, 0);
            }
            case 2 -> {
                node.ctr("task", "pause", id).ok();
                // containerd waits 2 s for a State, then says UNKNOWN: on a busy machine a bridge takes longer to come.
                Wait.until("it is paused", () -> Tasks.of(node).get(id).status().equals("PAUSED"));
                node.ctr("task", "resume", id).ok();
            }
            case 3 -> {
                node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", exec, id, "/bin/sleep", "1000")
                        .ok();
                node.ctr("task", "kill", "-s", "KILL", "--exec-id", exec, id).ok();
                Wait.until("the exec ends", () -> !ProcessList.of(node, id).hasExec(exec));
                node.ctr("task", "rm", "--exec-id", exec, id);
                execs.put(id + " " + exec, 137);
            }
            case 4 -> node.ctr("task", "metrics", id).ok();
            default -> Wait.until("all are there", () -> areThere(inits));
        }
    }

    private boolean areThere(Map<String, ProcessFacts> inits) {
        Tasks tasks = Tasks.of(node);
        return inits.entrySet().stream()
                .allMatch(each ->
                        tasks.get(each.getKey()).pid() == each.getValue().pid());
    }
}
