package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.jshim.linux.ProcessStat;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.ShimFlags;
import dev.jshim.node.socket.UnixSocketTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;

/** Nothing in /proc makes its reader throw, and no name that somebody chose passes for another one. */
class ProcFsFuzzTest {
    @TempDir
    Path folder;

    /** All files of a process hold the same. */
    @FuzzTest
    void process(byte[] input) throws IOException {
        for (var name : List.of(
                "stat",
                "cmdline",
                "cgroup",
                "status",
                "smaps_rollup",
                "oom_score_adj",
                "fdinfo/3",
                "task/17/stat",
                "task/17/wchan",
                "task/17/stack")) {
            var file = folder.resolve("17").resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, input);
        }
        Files.write(folder.resolve("stat"), input);
        Files.write(Files.createDirectories(folder.resolve("self")).resolve("mountinfo"), input);
        var proc = new ProcFs(folder);

        var facts = proc.facts(17);
        if (facts != null) {
            assertThat(facts.ref().pid()).isEqualTo(17);
            var _ = ShimFlags.parse(facts.argv());
            var _ = DaemonProcess.of(facts, null, folder);
        }
        assertThat(proc.all()).hasSize(facts == null ? 0 : 1);
        assertThat(proc.usage(17)).isNotNull();
        assertThat(proc.cgroups(17)).allMatch(line -> line.indexOf('\n') < 0);
        var _ = proc.mountPoints();
        assertThat(proc.threads(17)).hasSizeLessThanOrEqualTo(1);
        assertThat(proc.cpuTicks(17)).isGreaterThanOrEqualTo(-1);
        assertThat(proc.fdFlags(17, 3)).isGreaterThanOrEqualTo(-1);
        assertThat(proc.innermostPid(17)).isPositive();
        var _ = proc.catches(17, 3);
        var _ = proc.bootTime();
    }

    /** A command line is as long as its owner likes, and says whatever it likes. */
    @FuzzTest
    void commandLine(byte[] input) {
        var argv = List.of(new String(input, StandardCharsets.UTF_8).split("\0", -1));
        var facts = new ProcessFacts(new ProcessStat(17, "containerd", 'S', 1, 17, 17, 0, 1, 1), argv, null);
        var flags = ShimFlags.parse(argv);
        assertThat(flags == null || !flags.runtimeRoot().contains("\0")).isTrue();
        var daemon = DaemonProcess.of(facts, null, folder);
        assertThat(daemon == null || daemon.config().isAbsolute()).isTrue();
    }

    @FuzzTest
    void unixSockets(byte[] input) throws IOException {
        var file = folder.resolve("unix");
        Files.write(file, input);
        var table = UnixSocketTable.read(file);
        assertThat(table.abstractNames()).allMatch(name -> !name.contains("\n"));
        assertThat(table.peers().values()).allMatch(count -> count > 0);
    }

    /** A socket that anybody made, of whatever name, hides none of the others. */
    @FuzzTest
    void unixSocket(byte[] input) throws IOException {
        var name = new String(input, StandardCharsets.ISO_8859_1).replace('\0', '@');
        var file = folder.resolve("unix");
        Files.writeString(
                file,
                "Num       RefCount Protocol Flags    Type St Inode Path\n"
                        + "0000000000000000: 00000002 00000000 00010000 0001 01 41 @/containerd-shim/a.sock@\n"
                        + "0000000000000000: 00000002 00000000 00010000 0001 01 42 @" + name + "\n"
                        + "0000000000000000: 00000002 00000000 00010000 0001 01 43 /run/b.sock\n",
                StandardCharsets.ISO_8859_1);
        var table = UnixSocketTable.read(file);
        assertThat(table.abstractNames()).contains("/containerd-shim/a.sock");
        assertThat(table.paths()).contains("/run/b.sock");
    }
}
