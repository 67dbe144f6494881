package dev.jshim.it.vm;

import dev.jshim.it.EventLog;
import dev.jshim.it.Outcome;
import dev.jshim.it.ProcessFacts;
import dev.jshim.it.Product;
import dev.jshim.it.Release;
import dev.jshim.it.Rootfs;
import dev.jshim.it.Run;
import dev.jshim.it.Tasks;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The machine as a node: the package's containerd as a service, with the default directories. */
final class SystemNode {
    static final String NAMESPACE = "own";
    private static final List<String> CTR = List.of("/usr/bin/ctr", "-n", NAMESPACE);
    private static final Path KEPT = Path.of("/run/containerd/jshim");

    /** The machine may be very slow. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Duration CHANGE = Duration.ofMinutes(5);

    /** What apt would do to the node, as command lines. */
    static final String INSTALL_2 = """
            set -e
            mkdir -p /usr/local/old
            [ -e /usr/local/old/containerd ] || cp /usr/bin/containerd /usr/bin/ctr /usr/bin/containerd-shim* /usr/local/old/
            for program in containerd ctr containerd-shim-runc-v2; do
                cp %s/$program /usr/bin/$program.new
                mv /usr/bin/$program.new /usr/bin/$program
            done
            rm -f /usr/bin/containerd-shim
            """.formatted(Release.V2.folder());

    static final String INSTALL_1 = """
            set -e
            for program in containerd ctr containerd-shim-runc-v2 containerd-shim; do
                cp /usr/local/old/$program /usr/bin/$program.new
                mv /usr/bin/$program.new /usr/bin/$program
            done
            """;

    private SystemNode() {}

    static Outcome ctr(String... words) {
        return Run.of(Stream.concat(CTR.stream(), Stream.of(words)).toList()).run();
    }

    /** Has a process in {@code web} say again what it reads; answers what was heard. */
    static String echo(String execId, String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        List<String> exec = List.of("task", "exec", "--exec-id", execId, "web", "/bin/cat");
        return Run.of(Stream.concat(CTR.stream(), exec.stream()).toList())
                .echoed(bytes)
                .run()
                .ok()
                .out();
    }

    static EventLog events() {
        return EventLog.of(CTR, NAMESPACE);
    }

    static Outcome jshimctl(String... words) {
        List<String> command = List.of(Product.bin().resolve("jshimctl").toString(), "--timeout", "60s");
        return Run.of(Stream.concat(command.stream(), Stream.of(words)).toList())
                .within(CHANGE)
                .run();
    }

    static Tasks tasks() {
        return Tasks.parse(ctr("task", "ls").ok().out());
    }

    static ProcessFacts init(String id) {
        return ProcessFacts.of(tasks().get(id).pid());
    }

    static void awaitAnswer() {
        until("containerd answers", () -> ctr("version").code() == 0);
    }

    static void until(String what, BooleanSupplier condition) {
        Wait.until(PATIENCE, what, condition);
    }

    static void startContainerd() {
        Systemd.systemctl("start", "containerd").ok();
        awaitAnswer();
    }

    /** What the daemon says that it is, without a {@code v}. */
    static String version() {
        String said = ctr("version").ok().out();
        Matcher server = Pattern.compile("Server:\\s+Version:\\s+v?(\\S+)").matcher(said);
        if (!server.find()) {
            throw new IllegalStateException(said);
        }
        return server.group(1);
    }

    /** Where a container's root is; files in it are seen by its processes. */
    static Path rootfs(String id) {
        Path folder = Path.of("/var/lib/own", id);
        try {
            return Files.exists(folder) ? folder : Rootfs.make(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ProcessFacts run(String runtime, String id, List<String> flags, String... argv) {
        List<String> words = new ArrayList<>(List.of("run", "-d", "--null-io", "--runtime", runtime));
        words.addAll(flags);
        words.addAll(List.of("--rootfs", rootfs(id).toString(), id));
        words.addAll(List.of(argv));
        ctr(words.toArray(String[]::new)).ok();
        return init(id);
    }

    /** Kills a task and deletes it; its record stays. */
    static void end(String id) {
        ctr("task", "kill", "-s", "KILL", id).ok();
        until(id + " is stopped", () -> tasks().isStopped(id));
        ctr("task", "rm", id);
    }

    /** The bridge that the keeper has noted; 0 if there is none. */
    static long bridge() {
        Matcher process = Pattern.compile("(?m)^process (\\d+) ").matcher(read(KEPT.resolve("keeper")));
        return process.find() ? Long.parseLong(process.group(1)) : 0;
    }

    static long keeper() {
        String pid = read(KEPT.resolve("keeper.pid")).strip();
        return pid.isEmpty() ? 0 : Long.parseLong(pid);
    }

    static long mainPid(String unit) {
        return Long.parseLong(Systemd.property(unit, "MainPID"));
    }

    /** Says whether the unit is active and each container answers. */
    static boolean isServed() {
        return Systemd.isActive("jshim-bridge")
                && jshimctl("bridge", "verify", "--quiet").code() == 0;
    }

    /** Empty if there is no such file. */
    static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }
}
