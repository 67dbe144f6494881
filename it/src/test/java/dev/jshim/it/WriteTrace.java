package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * What a program that containerd starts, and all that it starts in turn, creates or opens for writing, by strace(1). A
 * process is followed until it changes its root, as runc's init does: from there on it is the container's own doing.
 */
final class WriteTrace {
    private static final String CALLS =
            "openat,open,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
                    + "truncate,bind,clone,clone3,fork,vfork,execve,pivot_root,chroot";
    private static final Pattern LINE = Pattern.compile("^(\\d+) +(.*)$");
    private static final Pattern CALL = Pattern.compile("^(\\w+)\\((.*)\\) += (-?\\d+).*$");
    private static final Pattern RESUMED = Pattern.compile("^<\\.\\.\\. \\w+ resumed>(.*)$");
    private static final Pattern STRING = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern FOLDER = Pattern.compile("^(?:AT_FDCWD|\\d+)<([^>]*)>");
    private static final Set<String> FORKS = Set.of("clone", "clone3", "fork", "vfork");

    private final Process strace;
    private final Path log;
    private final String program;

    private WriteTrace(Process strace, Path log, String program) {
        this.strace = strace;
        this.log = log;
        this.program = program;
    }

    /** Attaches to a running daemon. */
    static WriteTrace of(PrivateContainerd node, String program) throws IOException {
        Path log = node.dir().resolve("strace");
        Path said = node.dir().resolve("strace.err");
        Process strace = new ProcessBuilder(
                        "strace",
                        "-f",
                        "-y",
                        "-s",
                        "4096",
                        "-e",
                        "trace=" + CALLS,
                        "-o",
                        log.toString(),
                        "-p",
                        Long.toString(node.pid()))
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        WriteTrace trace = new WriteTrace(strace, log, program);
        node.attach(trace.strace::destroyForcibly);
        Wait.until(
                "strace is attached: apt-get install strace, or see " + said,
                () -> text(said).contains("attached"));
        return trace;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }

    /** Detaches; the absolute paths of all that was written, sorted. */
    List<String> end() throws Exception {
        strace.destroy();
        if (!strace.waitFor(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException("strace does not end");
        }
        return List.copyOf(new Reading().read(Files.readAllLines(log)));
    }

    private final class Reading {
        private final Map<String, String> unfinished = new HashMap<>();
        private final Set<String> followed = new HashSet<>();
        private final Set<String> written = new TreeSet<>();

        Set<String> read(List<String> lines) {
            for (String line : lines) {
                var parts = LINE.matcher(line);
                if (parts.matches()) {
                    call(parts.group(1), whole(parts.group(1), parts.group(2)));
                }
            }
            return written;
        }

        /** Puts the two halves of an interrupted line together; empty for the first one. */
        private String whole(String pid, String text) {
            int cut = text.indexOf(" <unfinished ...>");
            if (cut >= 0) {
                unfinished.put(pid, text.substring(0, cut));
                return "";
            }
            var resumed = RESUMED.matcher(text);
            return resumed.matches() ? unfinished.getOrDefault(pid, "") + resumed.group(1) : text;
        }

        private void call(String pid, String text) {
            var call = CALL.matcher(text);
            if (!call.matches() || call.group(3).startsWith("-")) {
                return;
            }
            String name = call.group(1);
            String arguments = call.group(2);
            if (name.equals("execve") && arguments.contains(program + "\"")) {
                followed.add(pid);
            }
            if (!followed.contains(pid)) {
                return;
            }
            if (FORKS.contains(name)) {
                followed.add(call.group(3));
            } else if (name.equals("pivot_root") || name.equals("chroot")) {
                followed.remove(pid);
            } else if (!name.equals("execve") && (!name.startsWith("open") || opensForWriting(arguments))) {
                written.addAll(paths(name, arguments));
            }
        }

        private static boolean opensForWriting(String arguments) {
            return arguments.contains("O_WRONLY") || arguments.contains("O_RDWR") || arguments.contains("O_CREAT");
        }

        /** The paths that a call names; of two the second is the one that is made. */
        private static List<String> paths(String name, String arguments) {
            List<String> strings = new ArrayList<>();
            var matcher = STRING.matcher(arguments);
            while (matcher.find()) {
                strings.add(matcher.group(1));
            }
            if (strings.isEmpty()) {
                return List.of(); // bind of something that is no unix socket
            }
            String last = strings.getLast();
            if (name.equals("bind") && !arguments.contains("AF_UNIX")) {
                return List.of();
            }
            if (last.startsWith("/")) {
                return List.of(last);
            }
            var folder = FOLDER.matcher(arguments);
            return List.of((folder.find() ? folder.group(1) : "?") + "/" + last);
        }
    }
}
