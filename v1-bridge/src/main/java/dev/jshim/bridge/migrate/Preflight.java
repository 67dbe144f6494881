package dev.jshim.bridge.migrate;

import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DockerDaemon;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProgramRun;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What on a node would make a migration do harm, whatever its containers are. Changes nothing. */
final class Preflight {
    /** The bridge takes about 60 MB for 100 containers. */
    private static final long MEMORY_KIB = 128 << 10;
    /** A bundle takes some 30 KiB, most of it config.json; the journal about the same. */
    private static final long DISK_BYTES = 16L << 20;

    private static final long SHORT_BYTES = 1L << 20;

    private static final String SERVICE = ".service";
    private static final Duration SYSTEMCTL = Duration.ofSeconds(10);
    private static final Duration DOCKER = Duration.ofSeconds(5);

    private final NodePaths paths;
    private final Path address;
    private final Path proc;
    private final String systemctl;

    /** @param address containerd's socket */
    Preflight(NodePaths paths, Path address) {
        this(paths, address, Path.of("/proc"), "systemctl");
    }

    /** With another /proc and another program to ask for a unit's settings. */
    Preflight(NodePaths paths, Path address, Path proc, String systemctl) {
        this.paths = paths;
        this.address = address;
        this.proc = proc;
        this.systemctl = systemctl;
    }

    /**
     * Looks at all of it.
     *
     * @param shims pids of the v1 shims that are to live on
     * @return a sentence for each problem
     */
    List<String> problems(Collection<Integer> shims) {
        var problems = new ArrayList<>(resources());
        problems.addAll(ends(shims));
        return problems;
    }

    /** Why something could not be done, with what some directories' disks may have to do with it. */
    static String reason(IOException e, Path... directories) {
        Set<String> reasons = new LinkedHashSet<>(List.of(words(e)));
        for (var directory : directories) {
            if (Files.isDirectory(directory)) {
                disk(directory, SHORT_BYTES, reasons);
            }
        }
        return String.join("; ", reasons);
    }

    /** The message of some exceptions is the bare path. */
    private static String words(IOException e) {
        if (!(e instanceof FileSystemException system) || system.getReason() != null) {
            return String.valueOf(e.getMessage());
        }
        return system.getFile()
                + switch (system) {
                    case NoSuchFileException _ -> ": no such file or directory";
                    case FileAlreadyExistsException _ -> " already exists";
                    case DirectoryNotEmptyException _ -> " is not empty";
                    case NotDirectoryException _ -> " is not a directory";
                    case AccessDeniedException _ -> ": permission denied";
                    default -> " cannot be read or written";
                };
    }

    /** Memory and disk. */
    List<String> resources() {
        List<String> problems = new ArrayList<>();
        memory(problems);
        disk(paths.root(), DISK_BYTES, problems);
        disk(paths.state(), DISK_BYTES, problems);
        return problems;
    }

    /** What would end shims when it is stopped: their systemd units, and a dockerd. */
    List<String> ends(Collection<Integer> shims) {
        List<String> problems = new ArrayList<>();
        for (var unit : units(shims)) {
            killMode(unit, problems);
        }
        for (var docker :
                shims.isEmpty() ? List.<DockerDaemon>of() : DockerDaemon.of(new ProcFs(proc), paths, address)) {
            var problem = docker.problem(DOCKER);
            if (problem != null) {
                problems.add(problem.toString());
            }
        }
        return problems;
    }

    private void memory(List<String> problems) {
        try {
            for (var line : Files.readAllLines(proc.resolve("meminfo"))) {
                var words = line.split("\\s+", -1);
                if (words[0].equals("MemAvailable:") && Long.parseLong(words[1]) < MEMORY_KIB) {
                    problems.add("only " + Long.parseLong(words[1]) / 1024
                            + " MiB of memory are available, but the bridge may need "
                            + MEMORY_KIB / 1024 + " MiB: free some first");
                }
            }
        } catch (IOException | NumberFormatException e) {
            problems.add("cannot read how much memory is available: " + e.getMessage());
        }
    }

    private static void disk(Path directory, long needed, Collection<String> problems) {
        if (!Files.isDirectory(directory)) {
            problems.add(directory + " is not a directory: name containerd's own with --root and --state");
            return;
        }
        try {
            var store = Files.getFileStore(directory);
            if (store.isReadOnly() || !Files.isWritable(directory)) {
                problems.add(directory + " cannot be written: mount it read-write, then run the same command again");
            } else if (store.getUsableSpace() < needed) {
                problems.add("only " + store.getUsableSpace() / 1024 + " KiB are free in " + directory + ", but "
                        + needed / 1024 + " KiB are needed: free some, then run the same command again");
            }
        } catch (IOException e) {
            problems.add("cannot read how much space is free in " + directory + ": " + e.getMessage());
        }
    }

    /** The systemd units that the shims run in: containerd's own, and its KillMode is theirs too. */
    private Set<String> units(Collection<Integer> shims) {
        Set<String> units = new TreeSet<>();
        for (var pid : shims) {
            try {
                for (var line : Files.readAllLines(proc.resolve(pid + "/cgroup"))) {
                    var parts = line.split(":", 3);
                    // The hierarchy of systemd, and the only one where cgroups are of version 2.
                    if (parts.length == 3 && (parts[1].equals("name=systemd") || parts[1].isEmpty())) {
                        for (var part : parts[2].split("/", -1)) {
                            if (part.endsWith(SERVICE)) {
                                units.add(part);
                            }
                        }
                    }
                }
            } catch (IOException e) {
                // It has ended.
            }
        }
        return units;
    }

    private void killMode(String unit, List<String> problems) {
        try {
            var said = ProgramRun.of(List.of(systemctl, "show", "--property=KillMode", unit), SYSTEMCTL)
                    .lastLine();
            if (!said.equals("KillMode=process") && !said.equals("KillMode=none")) {
                problems.add("the shims run in the unit " + unit + " (" + said + "), and stopping it would kill them:"
                        + " set KillMode=process in a drop-in, then run systemctl daemon-reload");
            }
        } catch (IOException e) {
            problems.add("the shims run in the unit " + unit + ", and its KillMode is unknown: " + systemctl + " "
                    + e.getMessage());
        }
    }
}
