package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which containers share a process, and when that ends. */
class GroupingTest extends OptionScenario {
    private static final String[] POD = {"--annotation", "io.kubernetes.cri.sandbox-id=pod"};
    private static final Duration GRACE = Duration.ofSeconds(60);
    /** Enough for a JVM's start, and less than a tenth of what is usual. */
    private static final int SOFT_LIMIT = 90;

    private static final int MANY = 10;

    /** Of an idle container with three FIFOs that may be checkpointed. */
    private static final int DESCRIPTORS = 10;

    @ParameterizedTest
    @EnumSource(names = {"V1_7", "V2"})
    void byPod(Release release) {
        start(release, "Grouping = \"pod\"\n");
        ProcessFacts shim = sleeper("pod", POD);
        ProcessFacts alone = sleeper("alone");

        assertThat(sleeper("one", POD)).isEqualTo(shim);
        assertThat(alone).isNotEqualTo(shim);
        node.remove("pod");
        assertThat(shim.alive()).isTrue();
        node.remove("one");
        node.remove("alone");
        Wait.until(GRACE, "end of the shims", () -> !shim.alive() && !alone.alive());
    }

    @ParameterizedTest
    @EnumSource(names = {"V1_7", "V2"})
    void byContainer(Release release) {
        start(release, "Grouping = \"container\"\n");

        assertThat(sleeper("pod", POD)).isNotEqualTo(sleeper("one", POD));
        node.remove("pod");
        node.remove("one");
    }

    @ParameterizedTest
    @EnumSource
    void byNodeUnlessToldOtherwise(Release release) {
        start(release, "");
        ProcessFacts shim = sleeper("pod", POD);

        assertThat(sleeper("alone")).isEqualTo(shim);
        assertThat(node.bundle("alone").resolve("jshim.err"))
                .as("made for a JVM")
                .doesNotExist();
        node.remove("pod");
        node.remove("alone");
        Wait.until(GRACE, "end of the shim", () -> !shim.alive());
    }

    @ParameterizedTest
    @EnumSource
    void byNode(Release release) {
        // So that it does not end before the next one is started, however slow the machine is; nor is its end awaited.
        start(release, "# all of a namespace\nGrouping = \"node\"\n", Duration.ofMinutes(10));
        ProcessFacts shim = sleeper("one");

        assertThat(sleeper("two")).isEqualTo(shim);
        assertThat(node.bundle("two").resolve("jshim.err")).as("made for a JVM").doesNotExist();
        assertThat(node.bundle("two").resolve("address"))
                .hasSameTextualContentAs(node.bundle("one").resolve("address"));
        // Another daemon process: the launcher does not know what it understands, and leaves it to the JVM.
        node.stop();
        node.start();
        assertThat(sleeper("three")).isEqualTo(shim);
        assertThat(node.bundle("three").resolve("jshim.err")).exists();
        assertThat(sleeper("four")).isEqualTo(shim);
        assertThat(node.bundle("four").resolve("jshim.err")).doesNotExist();
        for (String id : new String[] {"one", "two", "three", "four"}) {
            node.remove(id);
        }
        assertThat(shim.alive()).as("stays warm").isTrue();
        assertThat(sleeper("five")).isEqualTo(shim);
        kill(shim, "five");
    }

    /** Its end, and that of the last container that it has. */
    private void kill(ProcessFacts shim, String last) {
        Signal.KILL.to(shim.pid());
        Wait.until("end of the shim", () -> !shim.alive());
        Wait.until("containerd's clean-up", () -> !Tasks.of(node).has(last) && Files.notExists(node.bundle(last)));
        node.ctr("container", "rm", last).ok();
    }

    /** Where nobody says how long, a shim of the whole node would stay. */
    @Test
    void noLongerThanTold() {
        start(Release.V1_7, "Grouping = \"node\"\nIdleTimeout = 0\n", Duration.ofMinutes(10));
        ProcessFacts shim = sleeper("one");

        node.remove("one");
        Wait.until(GRACE, "end of the shim", () -> !shim.alive());
    }

    /** Where nobody says how long, a shim of one container ends with it. */
    @Test
    void asLongAsTold() {
        start(Release.V1_7, "Grouping = \"container\"\nIdleTimeout = 4\n");
        ProcessFacts shim = sleeper("one");

        long begin = System.nanoTime();
        node.remove("one");
        Wait.until(GRACE, "end of the shim", () -> !shim.alive());
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofSeconds(4));
    }

    /** A shim that was killed leaves its folder; the next start must not believe in it. */
    @ParameterizedTest
    @EnumSource(names = {"V1_7", "V2"})
    void byNodeAfterAKill(Release release) throws Exception {
        start(release, "Grouping = \"node\"\n");
        ProcessFacts shim = sleeper("one");
        kill(shim, "one");

        ProcessFacts other = sleeper("two");
        assertThat(other).isNotEqualTo(shim);
        node.remove("two");
        Wait.until(GRACE, "end of the shim", () -> !other.alive());
    }

    /**
     * A shim for all takes as many descriptors as it may, whatever the soft limit of the daemon is. What it starts has
     * that limit, as under containerd's own shim, also when more descriptors are open than it allows.
     */
    @Test
    void moreFilesOpenThanTheDaemonsSoftLimit() throws Exception {
        start(Release.V2, "Grouping = \"node\"\n");
        node.stop();
        node.wrap(List.of("prlimit", "--nofile=" + SOFT_LIMIT + ":"));
        Path limits = node.dir().resolve("limits");
        node.prefer(runcThatNotesItsLimits(limits));
        node.start();
        FileLimit self = FileLimit.ofSelf();
        node.runDetached("io.containerd.runc.v2", "theirs", "/bin/sleep", "1000");
        ProcessFacts shim = sleeper("c0");

        int half = 0;
        for (int i = 1; i < MANY; i++) {
            assertThat(sleeper("c" + i)).isEqualTo(shim);
            half = i == MANY / 2 ? ShimUse.of(shim).descriptors() : half;
        }

        // What each of them is for stands in docs/architecture.md; a thread or two may have come meanwhile.
        int more = ShimUse.of(shim).descriptors() - half;
        assertThat(more).isLessThanOrEqualTo((MANY - 1 - MANY / 2) * DESCRIPTORS + 4);
        assertThat(Files.readString(Path.of("/proc/" + shim.pid() + "/cmdline")))
                .contains("\0-XX:+ExitOnOutOfMemoryError\0");
        assertThat(node.echo("c0", "e", "said")).isEqualTo("said");
        assertThat(ShimUse.of(shim).descriptors()).isGreaterThan(SOFT_LIMIT);
        assertThat(FileLimit.of(shim.pid())).isEqualTo(new FileLimit(self.hard(), self.hard()));
        for (int i = 0; i < MANY; i++) {
            node.remove("c" + i);
        }
        node.remove("theirs");
        assertThat(Files.readAllLines(limits))
                .as("runc's limits, under both shims")
                .hasSizeGreaterThan(3 * MANY)
                .containsOnly(SOFT_LIMIT + " " + self.hard());
    }

    private Path runcThatNotesItsLimits(Path limits) throws Exception {
        Path folder = Files.createDirectory(node.dir().resolve("noting"));
        Path runc = Files.writeString(
                folder.resolve("runc"),
                "#!/bin/sh\necho $(ulimit -Sn) $(ulimit -Hn) >>" + limits + "\nPATH=${PATH#*" + folder
                        + ":}\nexec runc \"$@\"\n");
        assertThat(runc.toFile().setExecutable(true)).isTrue();
        return folder;
    }

    /** Eight at once found one group, and end with it. */
    @Test
    void manyAtOnce() throws Exception {
        start(Release.V2, "Grouping = \"node\"\n");
        var threads = new Thread[8];
        for (int i = 0; i < threads.length; i++) {
            String[] args = node.runArgs(Product.RUNTIME, List.of("-d"), "c" + i, "/bin/sleep", "1000")
                    .toArray(String[]::new);
            threads[i] = Thread.ofVirtual().start(() -> node.ctr(args));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        ProcessFacts shim = ProcessFacts.of(node.init("c0").parent());
        for (int i = 0; i < threads.length; i++) {
            assertThat(node.init("c" + i).parent()).isEqualTo(shim.pid());
            node.remove("c" + i);
        }
    }
}
