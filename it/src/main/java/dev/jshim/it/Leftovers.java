package dev.jshim.it;

import dev.jshim.linux.ProcessStat;
import dev.jshim.linux.Processes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All that a containerd with a random name may leave on the machine: processes, mounts, control groups, sockets, runc's
 * state, bundles. What belongs to it is told by the name (in a command line, a working directory, a cgroup, a path), so
 * that other daemons on the machine are never touched; sockets in the shared folders by the bundles that named them.
 *
 * <p>Not counted: the cgroup and the runc folder of the namespace itself when they are empty. runc makes them and no
 * shim removes them (the Go shims leave them too); {@link #remove} does.
 */
final class Leftovers {
    /** A socket's path as a shim writes it into {@code address}, and containerd 2.x into {@code bootstrap.json}. */
    private static final Pattern ADDRESS = Pattern.compile("unix://(/[^\"\\s]+)");

    /** A socket of ours where containerd wanted it. */
    private static final Pattern ELSEWHERE = Pattern.compile("jshim-(\\p{XDigit}{32})\\.\\d+");

    private static final Path RUNC = Path.of("/run/containerd/runc");
    private static final Path GROUPS = Path.of("/run/jshim/s");
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");
    private static final Path NETWORKS = Path.of("/sys/class/net");
    private static final Path CNI = Path.of("/var/lib/cni");

    /** Below a daemon's folder: the root of runc for tests that give it one of their own. */
    static final String PRIVATE_RUNC = "runc";

    private final String name;
    private final Path dir;
    private final Set<Path> shimSockets = new TreeSet<>();
    private boolean staleSocketsForgiven;

    private Leftovers(String name) {
        this.name = name;
        dir = Path.of("/tmp", name);
    }

    /** What a daemon of that name may leave. */
    static Leftovers of(String name) {
        return new Leftovers(name);
    }

    /**
     * Remembers the sockets that the bundles name now: when a bundle is gone, nothing else ties them to this daemon.
     */
    synchronized void rememberSockets() {
        for (Path bundle : bundles()) {
            for (String file : List.of("address", "bootstrap.json")) {
                Matcher address = ADDRESS.matcher(read(bundle.resolve(file)));
                if (address.find()) {
                    shimSockets.add(Path.of(address.group(1)));
                }
            }
        }
    }

    void forgiveStaleSockets() {
        staleSocketsForgiven = true;
    }

    /**
     * Waits until nothing is left.
     *
     * @throws IllegalStateException that lists the rest, if there is any after that time
     */
    void assertNone(Duration limit) {
        if (!Wait.within(limit, () -> list().isEmpty())) {
            throw new IllegalStateException("left behind:\n  " + String.join("\n  ", list()));
        }
    }

    /** One line for everything that is left now. */
    List<String> list() {
        List<String> left = new ArrayList<>();
        processes().forEach(pid -> left.add("process " + pid + ": " + commandLine(pid)));
        mounts().forEach(mount -> left.add("mount " + mount));
        cgroups().stream().filter(Leftovers::isContainer).forEach(path -> left.add("cgroup " + path));
        if (!staleSocketsForgiven) {
            sockets().forEach(path -> left.add("socket " + path));
            groups().forEach(path -> left.add("folder of a shim " + path));
        }
        runcStates().forEach(path -> left.add("runc state " + path));
        bundles().forEach(path -> left.add("bundle " + path));
        network().forEach(path -> left.add("network " + path));
        podFolders().forEach(path -> left.add("folder of CRI " + path));
        return left;
    }

    /** Ends and removes all of it. */
    void remove() {
        thaw();
        for (int round = 0; round < 50 && !processes().isEmpty(); round++) {
            processes().forEach(this::kill);
            Wait.pause(Duration.ofMillis(20));
        }
        mounts().stream()
                .sorted(Comparator.reverseOrder())
                .forEach(mount -> Run.of(List.of("umount", "-l", mount)).run());
        cgroups().stream().sorted(Comparator.reverseOrder()).forEach(Leftovers::delete);
        staleSockets().forEach(Leftovers::delete);
        Stream.concat(runcStates().stream().flatMap(state -> walk(state, 1)), below(RUNC, Integer.MAX_VALUE))
                .sorted(Comparator.reverseOrder())
                .forEach(Leftovers::delete);
        groups().stream()
                .flatMap(group -> walk(group, Integer.MAX_VALUE))
                .sorted(Comparator.reverseOrder())
                .forEach(Leftovers::delete);
        network().stream().filter(path -> path.startsWith(CNI)).forEach(Leftovers::delete);
        if (Files.exists(NETWORKS.resolve(name))) {
            Run.of(List.of("ip", "link", "delete", name)).run();
        }
        if (mounts().isEmpty()) {
            walk(dir, Integer.MAX_VALUE).sorted(Comparator.reverseOrder()).forEach(Leftovers::delete);
        }
    }

    /** The handle knows when it began: should it have ended meanwhile, whoever has its pid now is not met. */
    private void kill(long pid) {
        ProcessHandle.of(pid).filter(process -> belongs(pid)).ifPresent(ProcessHandle::destroyForcibly);
    }

    private Set<Long> processes() {
        Set<Long> pids = new TreeSet<>();
        long self = ProcessHandle.current().pid();
        try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
            entries.map(path -> path.getFileName().toString())
                    .filter(file -> Character.isDigit(file.charAt(0)))
                    .map(Long::valueOf)
                    .filter(pid -> pid > 1 && pid != self && belongs(pid))
                    .forEach(pids::add);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return pids;
    }

    private boolean belongs(long pid) {
        ProcessStat stat = Processes.stat((int) pid);
        if (stat == null || stat.hasEnded()) {
            return false;
        }
        Path proc = stat.folder(Path.of("/proc"));
        if (commandLine(pid).contains(name) || read(proc.resolve("cgroup")).contains("/" + name)) {
            return true;
        }
        try {
            return Files.readSymbolicLink(proc.resolve("cwd")).startsWith(dir);
        } catch (IOException e) {
            return false;
        }
    }

    private static String commandLine(long pid) {
        return read(Path.of("/proc/" + pid + "/cmdline")).replace('\0', ' ').strip();
    }

    private List<String> mounts() {
        return read(Path.of("/proc/self/mounts"))
                .lines()
                .map(line -> line.split(" ", -1)[1])
                .filter(mount -> mount.contains(name))
                .toList();
    }

    /** The namespace's folders in every hierarchy, and what is below them. */
    private Set<Path> cgroups() {
        Set<Path> found = new TreeSet<>();
        walk(CGROUPS, 2)
                .filter(path -> path.getFileName().toString().startsWith(name))
                .flatMap(path -> walk(path, Integer.MAX_VALUE))
                .filter(Files::isDirectory)
                .forEach(found::add);
        return found;
    }

    /** Below the namespace's own folder, that is. */
    private static boolean isContainer(Path cgroup) {
        Path relative = CGROUPS.relativize(cgroup);
        boolean v1 = !Files.exists(CGROUPS.resolve("cgroup.controllers"));
        return relative.getNameCount() > (v1 ? 2 : 1);
    }

    /** A frozen process of a first-version freezer does not die of SIGKILL. */
    private void thaw() {
        for (Path cgroup : cgroups()) {
            Path state = cgroup.resolve("freezer.state");
            if (Files.exists(state)) {
                try {
                    Files.writeString(state, "THAWED");
                } catch (IOException e) {
                    // It went away by itself.
                }
            }
        }
    }

    private Set<Path> sockets() {
        Set<Path> found = staleSockets();
        walk(dir, 5)
                .filter(path -> !path.getFileName().toString().startsWith("c.sock"))
                .filter(Leftovers::isSocket)
                .forEach(found::add);
        read(Path.of("/proc/net/unix"))
                .lines()
                .filter(line -> line.contains("@") && line.contains(name))
                .forEach(line -> found.add(Path.of(line.substring(line.indexOf('@')))));
        return found;
    }

    private synchronized Set<Path> staleSockets() {
        Set<Path> found = new TreeSet<>(shimSockets);
        found.removeIf(path -> !isSocket(path));
        return found;
    }

    /** What our shims keep around their sockets, or elsewhere under a name that begins as the socket's goes on. */
    private synchronized Set<Path> groups() {
        Set<Path> found = new TreeSet<>();
        for (Path socket : shimSockets) {
            Matcher elsewhere = ELSEWHERE.matcher(socket.getFileName().toString());
            if (socket.startsWith(GROUPS)) {
                found.add(GROUPS.resolve(GROUPS.relativize(socket).getName(0)));
            } else if (elsewhere.matches()) {
                walk(GROUPS, 1)
                        .filter(group -> group.getFileName().toString().startsWith(elsewhere.group(1)))
                        .forEach(found::add);
            }
        }
        found.removeIf(group -> !Files.exists(group));
        return found;
    }

    /** In any namespace: that of CRI is the same in every daemon. */
    private Set<Path> bundles() {
        Set<Path> found = new TreeSet<>();
        for (String runtime : List.of("io.containerd.runtime.v2.task", Product.LEGACY)) {
            for (String place : List.of("s", "r")) {
                walk(dir.resolve(place).resolve(runtime), 2)
                        .filter(path -> path.getNameCount() == 6)
                        .forEach(found::add);
            }
        }
        return found;
    }

    /** Those of the own namespaces, and of shared ones those whose bundle is ours. */
    private Set<Path> runcStates() {
        Set<Path> found = new TreeSet<>();
        Stream.of(walk(RUNC, 2), walk(dir.resolve(PRIVATE_RUNC), 2))
                .flatMap(paths -> paths)
                .filter(path -> path.getNameCount() == 5)
                // An empty folder of crun's own is beside the containers.
                .filter(path -> !path.endsWith(".empty-directory"))
                .filter(path -> path.toString().contains("/" + name)
                        || read(path.resolve("state.json")).contains(dir + "/"))
                .forEach(found::add);
        return found;
    }

    /** What CNI plugins made for our pods, but for the bridge itself, which they never remove. */
    private Set<Path> network() {
        Set<Path> found = new TreeSet<>();
        walk(NETWORKS.resolve(name).resolve("brif"), 1)
                .filter(path -> !path.endsWith("brif"))
                .forEach(found::add);
        List<String> pods =
                podFolders().stream().map(path -> path.getFileName().toString()).toList();
        walk(CNI, 2)
                .filter(path -> path.getFileName().toString().startsWith(name)
                        || pods.stream().anyMatch(path.getFileName().toString()::contains))
                .forEach(found::add);
        return found;
    }

    private Set<Path> podFolders() {
        Set<Path> found = new TreeSet<>();
        for (String place : List.of("s", "r")) {
            walk(dir.resolve(place).resolve("io.containerd.grpc.v1.cri"), 2)
                    .filter(path -> path.getNameCount() == 6)
                    .forEach(found::add);
        }
        return found;
    }

    /** What lies in the namespace's folders of a folder that is ordered by namespace. */
    private Stream<Path> below(Path folder, int depth) {
        return walk(folder, 1)
                .filter(path -> path.getFileName().toString().startsWith(name) && !path.equals(folder))
                .flatMap(path -> walk(path, depth == 2 ? 1 : depth));
    }

    private static boolean isSocket(Path path) {
        try {
            return ((int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 0170000) == 0140000;
        } catch (IOException e) {
            return false;
        }
    }

    /** Everything from a folder on, read at once; what vanishes meanwhile is left out. */
    private static Stream<Path> walk(Path from, int depth) {
        List<Path> found = new ArrayList<>();
        collect(from, depth, found);
        return found.stream();
    }

    private static void collect(Path path, int depth, List<Path> found) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        found.add(path);
        if (depth > 0 && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            try (Stream<Path> entries = Files.list(path)) {
                entries.forEach(entry -> collect(entry, depth - 1, found));
            } catch (IOException | UncheckedIOException e) {
                // It went away while it was read.
            }
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The next look at the machine names it.
        }
    }

    private static String read(Path path) {
        try {
            return new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
