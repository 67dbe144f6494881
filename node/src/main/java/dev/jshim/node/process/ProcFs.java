package dev.jshim.node.process;

import dev.jshim.linux.MountPoint;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.ProcessStat;
import dev.jshim.linux.Processes;
import dev.jshim.node.socket.UnixSocketTable;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads processes from /proc. A process that ends while it is read is one that is not there; nothing here throws. */
public final class ProcFs {
    /** How the kernel names the JVM of one of jshim's shims, at first and then. */
    private static final Set<String> JVMS = Set.of("java", "jshim");

    private static final int MAX_BYTES = 16 << 20;

    /** A shim's flags, and a daemon's, stand at the beginning. */
    private static final int MAX_COMMAND_LINE = 128 << 10;
    /** How the link of a descriptor begins that is a socket; its inode and a bracket follow. */
    private static final String SOCKET = "socket:[";
    /** More than any pid has. */
    private static final int MANY_DIGITS = 9;

    private final Path root;

    public ProcFs(Path root) {
        this.root = root;
    }

    /** The machine's own. */
    public static ProcFs system() {
        return new ProcFs(Path.of("/proc"));
    }

    /**
     * Whether it is in another pid namespace than we are, as the processes of containers are: what it says of itself,
     * such as paths, is not said of this machine. False if that is not known.
     */
    public boolean isElsewhere(int pid) {
        var ours = link(root.resolve("self/ns/pid"));
        var its = link(pid, "ns/pid");
        return ours != null && its != null && !ours.equals(its);
    }

    /** What is known of a pid; null if there is no such process. */
    public @Nullable ProcessFacts facts(int pid) {
        var stat = stat(pid);
        if (stat == null) {
            return null;
        }
        var folder = stat.folder(root);
        return new ProcessFacts(stat, argv(folder), link(folder.resolve("exe")));
    }

    private @Nullable ProcessStat stat(int pid) {
        var text = pid <= 0 ? null : read(pid, "stat");
        if (text == null) {
            return null;
        }
        try {
            var stat = ProcessStat.parse(text);
            return stat.pid() == pid ? stat : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Where what it has of its own is read; it may end at any moment. */
    private Path folder(int pid) {
        var stat = stat(pid);
        return stat == null ? root.resolve(Integer.toString(pid)) : stat.folder(root);
    }

    /** Whether this very process exists and has not exited. */
    public boolean isAlive(ProcessId process) {
        var now = stat(process.pid());
        return now != null && !now.hasEnded() && now.startTime() == process.startTicks();
    }

    /** Whether some process has this pid and has not exited. It may be another than the one meant. */
    public boolean isAlive(int pid) {
        var now = stat(pid);
        return now != null && !now.hasEnded();
    }

    /** All processes there are. */
    public List<ProcessFacts> all() {
        return facts(pids());
    }

    /**
     * The processes whose program has one of these names, as far as the kernel keeps it: 15 characters. A fraction of
     * the work that {@link #all} is.
     */
    public List<ProcessFacts> named(Set<String> names) {
        var out = new ArrayList<Integer>();
        for (var pid : pids()) {
            var stat = read(pid, "stat");
            if (stat != null && names.contains(comm(stat))) {
                out.add(pid);
            }
        }
        return facts(out);
    }

    /** The process that does a shim's work: the JVM if it is one of jshim's with a keeper, else the shim itself. */
    public ProcessFacts worker(ProcessFacts shim) {
        return named(JVMS).stream()
                .filter(process -> process.isJvmOf(shim))
                .findFirst()
                .orElse(shim);
    }

    private static String comm(String stat) {
        var begin = stat.indexOf('(');
        var end = stat.lastIndexOf(')');
        return begin < 0 || end < begin ? "" : stat.substring(begin + 1, end);
    }

    private List<ProcessFacts> facts(List<Integer> pids) {
        var out = new ArrayList<ProcessFacts>();
        for (var pid : pids) {
            var facts = facts(pid);
            if (facts != null) {
                out.add(facts);
            }
        }
        return out;
    }

    private List<Integer> pids() {
        var out = new ArrayList<Integer>();
        var names = root.toFile().list();
        for (var name : names == null ? new String[0] : names) {
            if (name.chars().allMatch(Character::isDigit) && name.length() < MANY_DIGITS) {
                out.add(Integer.valueOf(name));
            }
        }
        return out;
    }

    /** The lines of /proc/PID/cgroup, {@code hierarchy:controllers:path}; empty if it cannot be read. */
    public List<String> cgroups(int pid) {
        var text = read(folder(pid).resolve("cgroup"));
        return text == null ? List.of() : lines(text);
    }

    /** Memory, threads and descriptors; null if there is no such process. */
    public @Nullable ProcessUsage usage(int pid) {
        var folder = folder(pid);
        var status = read(folder.resolve("status"));
        if (status == null) {
            return null;
        }
        var rollup = read(folder.resolve("smaps_rollup"));
        var score = read(pid, "oom_score_adj");
        return new ProcessUsage(
                field(status, "VmRSS:"),
                rollup == null || rollup.isEmpty() ? -1 : field(rollup, "Pss:"),
                (int) field(status, "Threads:"),
                fds(pid).size(),
                score == null ? 0 : (int) field("score " + score, "score "));
    }

    /** Processor time so far, user and system, in clock ticks (USER_HZ); -1 if there is no such process. */
    public long cpuTicks(int pid) {
        var stat = read(pid, "stat");
        var end = stat == null ? -1 : stat.lastIndexOf(')');
        if (stat == null || end < 0) {
            return -1;
        }
        // fields 14 and 15; the third is the first one here
        var fields = stat.substring(end + 1).strip().split(" ", -1);
        try {
            return fields.length < 13 ? -1 : Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** The kinds of namespaces it is in, with the kernel's numbers: {@code pid:[4026531836]}; empty if unreadable. */
    public List<String> namespaces(int pid) {
        var out = new ArrayList<String>();
        var folder = folder(pid);
        for (var kind : List.of("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")) {
            var link = link(folder.resolve("ns").resolve(kind));
            if (link != null) {
                out.add(link.toString());
            }
        }
        return out;
    }

    /** The paths that we have mounts at, from {@code mountinfo}; empty if it cannot be read. */
    public List<String> mountPoints() {
        var text = read(root.resolve("self/mountinfo"));
        return text == null
                ? List.of()
                : lines(text).stream()
                        .map(line -> line.split(" ", 6))
                        .filter(f -> f.length > 5)
                        .map(f -> MountPoint.unescape(f[4]))
                        .toList();
    }

    /** What its descriptors are: the links of /proc/PID/fd by number; empty if we may not look. */
    public Map<Integer, String> fds(int pid) {
        var out = new TreeMap<Integer, String>();
        try (var entries = Files.newDirectoryStream(folder(pid).resolve("fd"))) {
            for (var entry : entries) {
                var number = Integer.parseInt(String.valueOf(entry.getFileName()));
                var target = link(entry);
                out.put(number, target == null ? "" : target.toString());
            }
        } catch (IOException | DirectoryIteratorException | NumberFormatException e) {
            return Map.of();
        }
        return out;
    }

    /** One of its descriptors, as a path that leads to what it is open on. */
    public Path fd(int pid, int number) {
        return root.resolve(pid + "/fd/" + number);
    }

    /** The exclusive locks of flock(2) on files of the machine, of processes that we can see. */
    public List<FileLock> flocks() {
        var text = read(root.resolve("locks"));
        var out = new ArrayList<FileLock>();
        for (var line : text == null ? List.<String>of() : lines(text)) {
            var lock = FileLock.parse(line);
            if (lock != null) {
                out.add(lock);
            }
        }
        return out;
    }

    /**
     * The sockets in the file system on which it alone listens, as paths that lead there from here, whatever mounts it
     * sees. Not one whose name somebody else has taken since.
     */
    public Set<Path> listeningSockets(int pid) {
        var own = new HashSet<Long>();
        for (var target : fds(pid).values()) {
            if (target.startsWith(SOCKET)) {
                own.add(number(target.substring(SOCKET.length(), target.length() - 1), 10)
                        .orElse(-1));
            }
        }
        var mounts = link(root.resolve("self/ns/mnt"));
        var isHere = mounts != null && mounts.equals(link(pid, "ns/mnt"));
        var out = new TreeSet<Path>();
        UnixSocketTable.listeners(root.resolve(pid + "/net/unix")).forEach((name, inodes) -> {
            if (own.containsAll(inodes)) {
                var seen = pid + (name.startsWith("/") ? "/root" : "/cwd/");
                out.add(isHere && name.startsWith("/") ? Path.of(name) : root.resolve(seen + name));
            }
        });
        return out;
    }

    /** The flags that a descriptor was opened with, as open(2) has them; -1 if it cannot be read. */
    public int fdFlags(int pid, int fd) {
        var text = read(folder(pid).resolve("fdinfo/" + fd));
        if (text != null) {
            for (var line : text.lines().toList()) {
                if (line.startsWith("flags:")) {
                    var flags = number(line.substring("flags:".length()), 8).orElse(-1);
                    return flags == (int) flags ? (int) flags : -1;
                }
            }
        }
        return -1;
    }

    /** Whether it has a handler for a signal; false if that cannot be read. */
    public boolean catches(int pid, int signal) {
        var status = read(pid, "status");
        if (status != null) {
            for (var line : status.lines().toList()) {
                if (line.startsWith("SigCgt:")) {
                    var mask = number(line.substring("SigCgt:".length()), 16).orElse(0);
                    return (mask & (1L << (signal - 1))) != 0;
                }
            }
        }
        return false;
    }

    /** Whose rights it has, as a number of our user namespace; -1 if that cannot be read. */
    public int user(int pid) {
        var status = read(pid, "status");
        for (var line : status == null ? List.<String>of() : lines(status)) {
            if (line.startsWith("Uid:")) {
                var ids = line.substring("Uid:".length()).strip().split("\\s+", -1);
                return ids.length > 1 ? (int) number(ids[1], 10).orElse(-1) : -1;
            }
        }
        return -1;
    }

    /** Its pid in its own pid namespace; the same as ours if it has none of its own. */
    public int innermostPid(int pid) {
        var status = read(pid, "status");
        if (status != null) {
            for (var line : status.lines().toList()) {
                if (line.startsWith("NSpid:")) {
                    var inside = Processes.parsePid(
                            line.substring(line.lastIndexOf('\t') + 1).strip());
                    return inside > 0 ? inside : pid;
                }
            }
        }
        return pid;
    }

    /** Its threads, by number. */
    public List<ThreadFacts> threads(int pid) {
        var out = new TreeMap<Integer, ThreadFacts>();
        try (var entries = Files.newDirectoryStream(root.resolve(pid + "/task"))) {
            for (var entry : entries) {
                var tid = Integer.parseInt(String.valueOf(entry.getFileName()));
                var stat = read(entry.resolve("stat"));
                if (stat != null) {
                    var parsed = ProcessStat.parse(stat);
                    var waits = read(entry.resolve("wchan"));
                    var stack = read(entry.resolve("stack"));
                    out.put(
                            tid,
                            new ThreadFacts(
                                    tid,
                                    parsed.command(),
                                    parsed.state(),
                                    waits == null || waits.equals("0") ? "" : waits,
                                    stack == null ? List.of() : stack.lines().toList()));
                }
            }
        } catch (IOException | DirectoryIteratorException | IllegalArgumentException e) {
            return List.copyOf(out.values());
        }
        return List.copyOf(out.values());
    }

    /** Where its program can be read and run, also if the file that it was started from has been replaced. */
    public Path program(int pid) {
        return root.resolve(pid + "/exe");
    }

    /** Its working directory; null if it cannot be read. */
    public @Nullable Path cwd(int pid) {
        return link(folder(pid).resolve("cwd"));
    }

    /** The table of listening unix sockets. */
    public UnixSocketTable unixSockets() {
        return UnixSocketTable.read(root.resolve("net/unix"));
    }

    /** When the machine booted, in seconds since the epoch; 0 if /proc does not say. */
    public long bootTime() {
        var stat = read(root.resolve("stat"));
        return stat == null ? 0 : field(stat, "btime ");
    }

    private static List<String> argv(Path folder) {
        var text = read(folder.resolve("cmdline"), MAX_COMMAND_LINE);
        if (text == null || text.isEmpty()) {
            return List.of();
        }
        var end = text.endsWith("\0") ? text.length() - 1 : text.length();
        return List.of(text.substring(0, end).split("\0", -1));
    }

    private static long field(String text, String name) {
        for (var line : text.lines().toList()) {
            if (line.startsWith(name)) {
                var digits = line.substring(name.length()).replace("kB", "").strip();
                try {
                    return Long.parseLong(digits);
                } catch (NumberFormatException e) {
                    return 0;
                }
            }
        }
        return 0;
    }

    private @Nullable Path link(int pid, String name) {
        return link(root.resolve(pid + "/" + name));
    }

    private static @Nullable Path link(Path link) {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    private @Nullable String read(int pid, String file) {
        return read(root.resolve(pid + "/" + file));
    }

    private static @Nullable String read(Path file) {
        return read(file, MAX_BYTES);
    }

    /** What is beyond the limit is not there: a process can make some of its files as long as its memory. */
    private static @Nullable String read(Path file, int max) {
        // far fewer steps than those of Files, and there are thousands of these
        try (var in = new FileInputStream(file.toFile())) {
            return new String(in.readNBytes(max), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return null;
        }
    }

    /** Not {@code String.lines()}: the kernel leaves a carriage return in a name as it is. */
    private static List<String> lines(String text) {
        var lines = new ArrayList<>(List.of(text.split("\n", -1)));
        if (lines.getLast().isEmpty()) {
            lines.removeLast();
        }
        return lines;
    }

    private static OptionalLong number(String digits, int radix) {
        try {
            return OptionalLong.of(Long.parseUnsignedLong(digits.strip(), radix));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
