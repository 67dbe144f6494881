package dev.jshim.ctl;

import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A /proc with processes that a test has thought up: the same on every machine and in every run. */
final class FakeProc {
    /** In seconds; a process that starts with 4 200 ticks started 42 s later. */
    private static final long BOOT = 1_700_000_000;

    private final Path root;

    FakeProc(Path root) throws IOException {
        this.root = Files.createDirectories(root);
        Files.writeString(root.resolve("stat"), "btime " + BOOT + "\n");
        Files.writeString(
                Files.createDirectories(root.resolve("net")).resolve("unix"),
                "Num RefCount Protocol Flags Type St Inode Path\n");
        Files.createDirectories(root.resolve("self"));
    }

    ProcFs read() {
        return new ProcFs(root);
    }

    /**
     * A process that sleeps, with 1.5 s of processor time, and memory and threads by its pid.
     *
     * @param cgroup below the root of the pids hierarchy
     */
    void process(int pid, int parent, long startTicks, String cgroup, String... argv) throws IOException {
        var name = Path.of(argv[0]).getFileName().toString();
        var comm = name.substring(0, Math.min(15, name.length()));
        put(
                pid + "/stat",
                pid + " (" + comm + ") S " + parent + " 1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 1 0 " + startTicks + " 0\n");
        put(pid + "/cmdline", String.join("\0", argv) + "\0");
        put(pid + "/cgroup", "3:pids:" + cgroup + "\n0::/\n");
        put(pid + "/status", "Name:\t" + comm + "\nVmRSS:\t" + pid * 10 + " kB\nThreads:\t" + pid % 100 + "\n");
        put(pid + "/smaps_rollup", "Pss:\t" + pid * 5 + " kB\n");
        put(pid + "/oom_score_adj", "-998\n");
        link(pid + "/exe", argv[0]);
        link(pid + "/ns/pid", "pid:[" + (4_026_531_836L + (cgroup.equals("/") ? 0 : 1)) + "]");
    }

    /** A descriptor of a process, with flags as open(2) has them. */
    void descriptor(int pid, int number, String target, int flags) throws IOException {
        link(pid + "/fd/" + number, target);
        put(pid + "/fdinfo/" + number, "pos:\t0\nflags:\t" + Integer.toOctalString(flags) + "\n");
    }

    void workingDirectory(int pid, Path path) throws IOException {
        link(pid + "/cwd", path.toString());
    }

    /** Somebody listens on a socket, or, with {@code @} before it, on an abstract name; so many are connected. */
    void listens(String name, int peers) throws IOException {
        var lines = new StringBuilder("0: 00000002 00000000 00010000 0001 01 1 ")
                .append(name)
                .append('\n');
        for (var peer = 0; peer < peers; peer++) {
            lines.append("0: 00000003 00000000 00000000 0001 03 2 ")
                    .append(name)
                    .append('\n');
        }
        Files.writeString(root.resolve("net/unix"), lines, StandardOpenOption.APPEND);
    }

    /** A mount of our own mount namespace; the path as the kernel writes it. */
    void mount(String written) throws IOException {
        Files.writeString(
                root.resolve("self/mountinfo"),
                "36 35 0:44 / " + written + " rw - overlay overlay rw\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    private void put(String file, String text) throws IOException {
        var path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void link(String file, String target) throws IOException {
        var path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.createSymbolicLink(path, Path.of(target));
    }
}
