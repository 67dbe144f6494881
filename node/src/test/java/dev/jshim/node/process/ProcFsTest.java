package dev.jshim.node.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.linux.ProcessStat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcFsTest {
    private static final ProcFs PROC = ProcFs.system();

    @Test
    void ourselves() {
        var pid = (int) ProcessHandle.current().pid();
        var facts = Objects.requireNonNull(PROC.facts(pid));
        assertThat(facts.pid()).isEqualTo(pid);
        assertThat(facts.program()).isEqualTo("java");
        assertThat(facts.exe()).asString().endsWith("/java");
        assertThat(facts.hasEnded()).isFalse();
        assertThat(PROC.isAlive(facts.ref())).isTrue();
        assertThat(PROC.isAlive(new ProcessId(pid, facts.ref().startTicks() + 1)))
                .isFalse();
        assertThat(PROC.all()).extracting(ProcessFacts::ref).contains(facts.ref());
        assertThat(PROC.cgroups(pid)).isNotEmpty();
        assertThat(PROC.bootTime()).isPositive();
        var usage = Objects.requireNonNull(PROC.usage(pid));
        assertThat(usage.rssKib()).isGreaterThan(1000);
        assertThat(usage.fds()).isPositive();
        assertThat(usage.threads()).isPositive();
    }

    @Test
    void zombieIsNotAlive() throws Exception {
        // the child exits after the shell became cat, which never waits for it
        var process = new ProcessBuilder("sh", "-c", "sleep 0.3 & echo $!; exec cat").start();
        try {
            var pid = Integer.parseInt(process.inputReader().readLine());
            var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
            while (PROC.isAlive(pid) && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            assertThat(Objects.requireNonNull(PROC.facts(pid)).hasEnded()).isTrue();
            assertThat(PROC.isAlive(pid)).isFalse();
        } finally {
            process.getOutputStream().close();
            process.waitFor(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void noSuchProcess() {
        assertThat(PROC.facts(0)).isNull();
        assertThat(PROC.facts(-1)).isNull();
        assertThat(PROC.facts(Integer.MAX_VALUE)).isNull();
        assertThat(PROC.usage(Integer.MAX_VALUE)).isNull();
        assertThat(PROC.cgroups(Integer.MAX_VALUE)).isEmpty();
    }

    @Test
    void namesWithParenthesesAndNonsense(@TempDir Path directory) throws IOException {
        var proc = new ProcFs(directory);
        stat(directory, 7, "7 (a) (b c)) S 3 7 7 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 4711 0 0\n");
        stat(directory, 8, "8 (x) S 3");
        stat(directory, 9, "");
        assertThat(proc.facts(7))
                .isEqualTo(new ProcessFacts(
                        new ProcessStat(7, "a) (b c)", 'S', 3, 7, 7, 0, 1, 4711), java.util.List.of(), null));
        assertThat(proc.facts(8)).isNull();
        assertThat(proc.facts(9)).isNull();
        assertThat(proc.all()).hasSize(1);
    }

    @Test
    void mountsBelowFoldersWithBlanksInTheirNames(@TempDir Path directory) throws IOException {
        var proc = new ProcFs(directory);
        assertThat(proc.mountPoints()).isEmpty();
        Files.writeString(Files.createDirectories(directory.resolve("self")).resolve("mountinfo"), """
                        36 35 98:0 / /run/a\\040b/c\\134\\011d/rootfs rw,noatime shared:1 - overlay overlay rw
                        37 35 0:44 / /plain ro - tmpfs tmpfs rw
                        38 35
                        """);
        assertThat(proc.mountPoints()).containsExactly("/run/a b/c\\\td/rootfs", "/plain");
    }

    @Test
    void ourOwnShimIsNotJava() {
        assertThat(named("/opt/j/bin/java", "-Xmx64m", "-Djshim.name=containerd-shim-v2-oci", "dev.jshim.shim.Main"))
                .isEqualTo("containerd-shim-v2-oci");
        assertThat(named("/usr/bin/java", "-jar", "x.jar")).isEqualTo("java");
        assertThat(named("/usr/bin/containerd-shim", "-Djshim.name=x")).isEqualTo("containerd-shim");
    }

    private static String named(String... argv) {
        return new ProcessFacts(new ProcessStat(7, "java", 'S', 1, 7, 7, 0, 1, 1), java.util.List.of(argv), null)
                .name();
    }

    private static void stat(Path directory, int pid, String text) throws IOException {
        Files.writeString(
                Files.createDirectories(directory.resolve(Integer.toString(pid)))
                        .resolve("stat"),
                text);
    }
}
