package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A migration is interrupted at every step, and whatever has a part in it is killed there: it can always be ended or
 * taken back, and no container but the one whose shim was killed comes to harm.
 *
 * <p>A run is all that its number says, in the same order with the same choices each time: after a failure
 * {@code -Djshim.torture.seed=N} repeats that one, and tells what it does. {@code -Djshim.torture.runs=A-B} chooses
 * others than the usual ones.
 */
class MigrationTortureTest {
    /** About as many as there are for four containers; one that is not reached is a run without a fault. */
    private static final Map<String, Integer> POINTS = Map.of("apply", 66, "rollback", 20);

    private static final List<Victim> VICTIMS = List.of(Victim.COMMAND, Victim.BRIDGE, Victim.DAEMON, Victim.SHIM);

    /** Neighbouring seeds begin alike otherwise. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private static final int LONGEST_COMMAND_MS = 1200;

    /** Who is killed. */
    private enum Victim {
        COMMAND,
        BRIDGE,
        DAEMON,
        SHIM
    }

    private static final String FAULT = "JSHIM_JAVA_OPTS=-Djshim.fault=";

    private final List<String> log = new ArrayList<>();

    @ParameterizedTest(name = "from containerd {0}")
    @EnumSource(names = {"V1_6", "V1_7"})
    void whateverIsKilled(Release old) {
        try (PrivateContainerd node = PrivateContainerd.started(old)) {
            node.forgiveStaleSockets(); // a Go shim that is killed leaves its own
            Trio trio = Trio.start(node);
            for (int seed : seeds(old)) {
                log.clear();
                try {
                    new Scene(node, old, trio, seed).play();
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError(
                            "run " + seed + " failed: " + e.getMessage() + "\n  what was done:\n    "
                                    + String.join("\n    ", log) + "\n  bridge log:\n" + tail(bridgeLog(node))
                                    + "\n  containerd log:\n" + tail(node.log()) + "\n  journal:\n"
                                    + tail(node.root().resolve("jshim/journal")),
                            e);
                }
            }
            trio.remove(node);
            node.finish();
        }
    }

    /** The even ones for the first release, the odd ones for the other. */
    private static int[] seeds(Release old) {
        String one = System.getProperty("jshim.torture.seed", "");
        String usual = Boolean.getBoolean("jshim.test.all") ? "0-200" : "0-10";
        String runs = System.getProperty("jshim.torture.runs", "");
        String[] range = (!one.isEmpty() ? one + "-" : runs.isEmpty() ? usual : runs).split("-", 2);
        int first = Integer.parseInt(range[0]);
        int end = range[1].isEmpty() ? first + 1 : Integer.parseInt(range[1]);
        return IntStream.range(first, end)
                .filter(seed -> (seed % 2 == 0) == (old == Release.V1_6))
                .toArray();
    }

    private static Path bridgeLog(PrivateContainerd node) {
        return node.state().resolve("jshim/bridge.log");
    }

    private static String tail(Path file) {
        try {
            List<String> lines = Files.readAllLines(file);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** One run: there, and back. */
    private final class Scene {
        private final PrivateContainerd node;
        private final Release old;
        private final Trio trio;
        private final Random random;
        private final Path hold;
        private final ProcessFacts victim;
        private final ProcessFacts victimShim;

        Scene(PrivateContainerd node, Release old, Trio trio, int seed) {
            this.node = node;
            this.old = old;
            this.trio = trio;
            random = new Random(seed * SPREAD);
            hold = node.dir().resolve("hold" + seed);
            victim = node.runDetached(Product.LEGACY, "victim", "/bin/sleep", "100002");
            victimShim = ProcessFacts.of(victim.parent());
        }

        void play() {
            say("victim " + victim + ", its shim " + victimShim);
            if (random.nextBoolean()) {
                stop();
            }
            boolean shimKilled = disturbed(true, "apply", "--yes");
            trio.unharmed();
            if (random.nextInt(4) > 0) {
                forward(shimKilled);
            }
            stop();
            disturbed(false, "rollback", "--yes");
            trio.unharmed();
            again("rollback", "--yes");
            nothingAdded();
            trio.unharmed();
            say("the old containerd starts");
            node.switchTo(old);
            trio.listed(node);
            trio.answers("word " + random.nextInt(1000));
            assertThat(victim.alive()).as("the victim lives").isEqualTo(!shimKilled);
            removeVictim();
        }

        /** Ends what was interrupted, and lets the new daemon find all of it. */
        private void forward(boolean shimKilled) {
            stop();
            Outcome apply = migrate(List.of(), "apply", "--yes");
            assertThat(apply.code()).as("apply again: %s", apply).isIn(0, shimKilled ? 3 : 0);
            say("2.x starts");
            node.switchTo(Release.V2);
            trio.listed(node);
            trio.unharmed();
            node.exec(Trio.COUNTER, "e", "/bin/true").ok();
            if (random.nextBoolean()) {
                say("2.x is killed and starts again");
                node.kill9();
                node.start();
                trio.listed(node);
            }
        }

        /**
         * Runs a command and kills somebody at one of its steps, or at any moment; says whether that was the victim's
         * shim.
         */
        private boolean disturbed(boolean withVictim, String... args) {
            Victim who = VICTIMS.get(random.nextInt(withVictim ? 4 : 3));
            boolean atPoint = random.nextInt(4) > 0;
            int when = atPoint ? 1 + random.nextInt(points(args[0])) : random.nextInt(LONGEST_COMMAND_MS);
            say(who + " is to be killed " + (atPoint ? "at point " + when : "after " + when + " ms") + " of "
                    + String.join(" ", args));
            Outcome outcome = switch (who) {
                case COMMAND -> killed(atPoint, when, args);
                case BRIDGE, DAEMON, SHIM -> {
                    Thread killer = Thread.ofPlatform().start(() -> kill(who, atPoint ? Duration.ZERO : millis(when)));
                    Outcome ended =
                            migrate(atPoint ? List.of(FAULT + "any:" + when + ":hold:" + hold) : List.of(), args);
                    end(killer, atPoint);
                    yield ended;
                }
            };
            say(outcome.toString());
            assertThat(outcome.code()).as("%s", outcome).isIn(0, 1, 3, 137);
            assertThat(outcome.err()).doesNotContain("Exception", "\tat ");
            return who == Victim.SHIM && !victimShim.alive();
        }

        private static int points(String command) {
            return Objects.requireNonNull(POINTS.get(command));
        }

        private Outcome killed(boolean atPoint, int when, String... args) {
            if (atPoint) {
                return migrate(List.of(FAULT + "any:" + when + ":halt"), args);
            }
            return migrate(List.of("timeout", "--signal=KILL", "%d.%03d".formatted(when / 1000, when % 1000)), args);
        }

        private static Duration millis(int count) {
            return Duration.ofMillis(count);
        }

        /** Kills somebody after a time, or as soon as the command holds. */
        private void kill(Victim who, Duration after) {
            try {
                Thread.sleep(after);
                while (after.isZero() && !Files.exists(hold)) {
                    Thread.sleep(2);
                }
                switch (who) {
                    case BRIDGE -> {
                        List<ProcessFacts> all = bridges().stream()
                                .map(ProcessFacts::find)
                                .flatMap(Optional::stream)
                                .toList();
                        all.forEach(bridge -> Signal.KILL.to(bridge.pid()));
                        Wait.until("they are gone", () -> all.stream().noneMatch(ProcessFacts::alive));
                    }
                    case DAEMON -> node.kill9();
                    case SHIM -> {
                        if (victimShim.alive()) {
                            Signal.KILL.to(victimShim.pid());
                            Wait.until("it is gone", () -> !victimShim.alive());
                        }
                    }
                    case COMMAND -> throw new AssertionError();
                }
                Files.deleteIfExists(hold);
            } catch (InterruptedException e) {
                // The point was not reached.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void end(Thread killer, boolean atPoint) {
            try {
                if (atPoint && !Files.exists(hold)) {
                    killer.interrupt();
                }
                killer.join();
                Files.deleteIfExists(hold);
            } catch (InterruptedException | IOException e) {
                throw new IllegalStateException(e);
            }
        }

        private void again(String... args) {
            Outcome outcome = migrate(List.of(), args);
            say("again: " + outcome);
            outcome.ok();
        }

        private Outcome migrate(List<String> wrapper, String... args) {
            List<String> all = new ArrayList<>(List.of("--timeout", "30s", "migrate"));
            all.addAll(List.of(args));
            return Product.ctl(node, wrapper, all.toArray(String[]::new));
        }

        private void nothingAdded() {
            assertThat(node.state().resolve("jshim")).doesNotExist();
            assertThat(node.root().resolve("jshim")).doesNotExist();
            assertThat(bridges()).isEmpty();
            for (String id : List.of(Trio.COUNTER, Trio.WAITER, Trio.HOLDER, "victim")) {
                assertThat(node.bundle(id)).doesNotExist();
                assertThat(node.bundle(id).resolveSibling("." + id + ".jshim")).doesNotExist();
                assertThat(node.root().resolve("io.containerd.runtime.v2.task/" + node.namespace() + "/" + id))
                        .doesNotExist();
            }
        }

        private List<Long> bridges() {
            return ProcessFacts.withCommand(
                    "dev.jshim.bridge.Main bridge", node.state().toString());
        }

        private void stop() {
            say("containerd stops");
            node.stop();
        }

        /** The old daemon has killed a container whose shim is gone; another one is removed as usual. */
        private void removeVictim() {
            node.ctr("task", "kill", "-s", "KILL", "-a", "victim");
            Wait.until("the victim's end", () -> !victim.alive());
            Wait.until("the victim's task is gone", () -> {
                node.ctr("task", "rm", "victim");
                return !Tasks.of(node).has("victim");
            });
            node.ctr("container", "rm", "victim").ok();
        }

        private void say(String what) {
            log.add(what.replace("\n", "\n      "));
            if (!System.getProperty("jshim.torture.seed", "").isEmpty()) {
                System.out.println(log.getLast());
            }
        }
    }
}
