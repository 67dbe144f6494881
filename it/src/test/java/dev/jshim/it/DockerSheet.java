package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a client of Docker sees of containers of one runtime, step by step: a line for each command, with its exit code
 * and its output, without what differs from container to container. Used by one thread.
 */
final class DockerSheet {
    /** Some machines do, some do not; nothing here needs it. */
    private static final String NO_FORWARDING = "IPv4 forwarding is disabled. Networking will not work.";

    private final PrivateDocker docker;
    private final String runtime;
    private final StringBuilder lines = new StringBuilder();

    private DockerSheet(PrivateDocker docker, String runtime) {
        this.docker = docker;
        this.runtime = runtime;
    }

    /** Goes through all steps with that runtime, by its name in Docker's configuration. */
    static String of(PrivateDocker docker, String runtime) {
        DockerSheet sheet = new DockerSheet(docker, runtime);
        sheet.foreground();
        sheet.execs();
        sheet.changes();
        sheet.streams();
        sheet.ends();
        sheet.memory();
        sheet.health();
        sheet.restarts();
        return sheet.lines.toString();
    }

    private void foreground() {
        show("run", run(List.of("--rm"), "echo out; echo err >&2; exit 3"));
        show("run -i", client(run(List.of("--rm", "-i"), "cat")).stdin(bytes("said\n")));
        show(
                "run -it",
                docker.clientOnTerminal(run(List.of("--rm", "-it"), "stty size; read word; echo heard $word; exit 4"))
                        .talk(List.of(Turn.then("33 77", "me"))));
        show("run --init", run(List.of("--rm", "--init"), "read name </proc/1/comm; echo $name"));
        show("run --pid host", run(List.of("--rm", "--pid=host"), "[ -d /proc/" + pid() + " ] && echo seen"));
        show(
                "run -u -w -e -h",
                run(
                        List.of("--rm", "-u7:8", "-w/tmp", "-eX=y", "-hhost"),
                        "busybox id -u; busybox id -g; pwd; echo $X; busybox hostname"));
        show("run --read-only --tmpfs", run(List.of("--rm", "--read-only", "--tmpfs=/tmp"), ">/tmp/a && >/b"));
        show(
                "run --ulimit --cap-drop",
                run(
                        List.of("--rm", "--ulimit=nofile=99:99", "--cap-drop=ALL"),
                        "ulimit -n; busybox grep CapEff /proc/self/status"));
        show(
                "run, no such program",
                words("run", "--rm", "--network=none", "--runtime=" + runtime, Image.NAME, "none"));
        show("run, no program", words("run", "--rm", "--network=none", "--runtime=" + runtime, Image.NAME, "/etc"));
    }

    private void execs() {
        start("main", "trap 'echo hup' HUP; trap 'exit 7' TERM; while :; do sleep 0.1; done");
        show("exec", words("exec", name("main"), "/bin/sh", "-c", "echo out; echo err >&2; exit 5"));
        show("exec -i", client(words("exec", "-i", name("main"), "cat")).stdin(bytes("said\n")));
        show(
                "exec -it",
                docker.clientOnTerminal(
                                words("exec", "-it", name("main"), "/bin/sh", "-c", "stty size; read x; exit 6"))
                        .talk(List.of(Turn.then("33 77", "me"))));
        show("exec -d", words("exec", "-d", name("main"), "/bin/sh", "-c", "echo done >/tmp/done; exec sleep 1000"));
        await("it has begun", words("exec", name("main"), "cat", "/tmp/done"));
        show(
                "exec -u -e -w",
                words(
                        "exec",
                        "-u",
                        "5",
                        "-e",
                        "X=y",
                        "-w",
                        "/tmp",
                        name("main"),
                        "/bin/sh",
                        "-c",
                        "busybox id -u; echo $X; pwd"));
        show(
                "exec --privileged",
                words("exec", "--privileged", name("main"), "/bin/sh", "-c", "busybox grep CapEff /proc/self/status"));
        show("exec, no such program", words("exec", name("main"), "none"));
        note(
                "top",
                docker.docker("top", name("main"), "-o", "pid,args")
                        .ok()
                        .out()
                        .lines()
                        .filter(line ->
                                line.startsWith(docker.init(name("main")).pid() + " "))
                        .map(line -> line.replaceFirst("^[0-9]+ +", ""))
                        .collect(Collectors.joining()));
    }

    private void changes() {
        show("pause", words("pause", name("main")));
        note("paused", docker.status(name("main")));
        show("exec while paused", words("exec", name("main"), "true"));
        show("unpause", words("unpause", name("main")));
        note("unpaused", docker.status(name("main")));
        show(
                "update",
                words(
                        "update",
                        "-m",
                        "64m",
                        "--memory-swap",
                        "64m",
                        "--cpu-shares",
                        "512",
                        "--pids-limit",
                        "99",
                        name("main")));
        note("memory", cgroup("memory", "main", "memory.limit_in_bytes"));
        note("cpu", cgroup("cpu", "main", "cpu.shares"));
        note("pids", cgroup("pids", "main", "pids.max"));
        show(
                "input and output",
                words(
                        "exec",
                        name("main"),
                        "busybox",
                        "dd",
                        "if=/dev/zero",
                        "of=/f",
                        "bs=1M",
                        "count=4",
                        "oflag=direct"));
        note("stats", docker.stats(name("main")).getFirst());
        try {
            Path file = Files.writeString(docker.node().dir().resolve("file"), "copied\n");
            show("cp in", words("cp", "-q", file.toString(), name("main") + ":/tmp/in"));
            show("cp out", words("cp", "-q", name("main") + ":/tmp/in", file + ".out"));
            note("copied", Files.readString(Path.of(file + ".out")).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        show("kill -s HUP", words("kill", "-s", "HUP", name("main")));
        await("it has heard", words("logs", name("main")), "hup");
        show("rename", words("rename", name("main"), name("other")));
        show("rename back", words("rename", name("other"), name("main")));
    }

    private void streams() {
        start("count", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; exit 9");
        show("logs -f", words("logs", "-f", name("count")));
        show("wait", words("wait", name("count")));
        show("start -a", words("start", "-a", name("count")));
        remove("count");
        for (String driver : List.of("local", "none")) {
            start("log", List.of("--log-driver=" + driver), "echo said");
            show("wait, " + driver, words("wait", name("log")));
            show("logs, " + driver, words("logs", name("log")));
            remove("log");
        }
        start("tty", List.of("-it"), "while read x; do echo heard $x; done; exit 3");
        show(
                "attach, detach",
                docker.clientOnTerminal("attach", "--detach-keys=ctrl-x,x", name("tty"))
                        .talk(List.of(Turn.first("one"), new Turn("heard one", "\u0018x"))));
        note("detached", docker.status(name("tty")));
        show(
                "attach, end",
                docker.clientOnTerminal("attach", name("tty"))
                        .talk(List.of(Turn.first("two"), new Turn("heard two", "\u0004"))));
        remove("tty");
        start("in", List.of("-i"), "read x; echo heard $x; " + Turn.HEARD + "; exit 3");
        show(
                "attach without a terminal",
                client("attach", name("in")).talk(List.of(Turn.first("one"), Turn.afterwards("heard one"))));
        show("wait, end of input", words("wait", name("in")));
        remove("in");
    }

    private void ends() {
        show("stop", words("stop", "-t", "20", name("main")));
        note("stopped", state("main"));
        show("start", words("start", name("main")));
        show("restart", words("restart", "-t", "20", name("main")));
        note("restarted", docker.status(name("main")));
        show("kill", words("kill", name("main")));
        show("wait, killed", words("wait", name("main")));
        note("killed", state("main"));
        note("events", events("main"));
        remove("main");
        start("deaf", "trap '' TERM; while :; do sleep 0.1; done");
        show("stop -t 1", words("stop", "-t", "1", name("deaf")));
        note("stopped", state("deaf"));
        remove("deaf");
        start("here", "while :; do sleep 0.1; done");
        show("rm", words("rm", name("here")));
        show("rm -f", words("rm", "-f", name("here")));
    }

    private void memory() {
        start("hungry", List.of("-m=64m", "--memory-swap=64m"), "exec " + Hunger.COMMAND);
        show("wait, no memory", words("wait", name("hungry")));
        note("no memory", state("hungry"));
        note("events, no memory", events("hungry"));
        remove("hungry");
        start("half", List.of("-m=64m", "--memory-swap=64m"), Hunger.COMMAND + "; echo $?; exit 2");
        show("wait, a child's memory", words("wait", name("half")));
        note("a child's memory", state("half"));
        remove("half");
        note(
                "memory without end",
                docker.docker("info", "--format={{.OomKillDisable}}").ok().out());
        start("stuck", List.of("-m=64m", "--memory-swap=64m", "--oom-kill-disable"), "exec " + Hunger.COMMAND);
        Wait.until("it waits for memory, or has ended", this::isStuck);
        note("waits for memory", state("stuck"));
        show("rm -f, waits for memory", words("rm", "-f", name("stuck")));
    }

    private boolean isStuck() {
        return docker.status(name("stuck")).equals("exited")
                || cgroup("memory", "stuck", "memory.oom_control").contains("under_oom 1");
    }

    private void health() {
        start(
                "well",
                List.of("--health-cmd=cat /tmp/well", "--health-interval=1s", "--health-retries=1"),
                ">/tmp/well; while :; do sleep 0.1; done");
        awaitHealth("healthy");
        show("falls ill", words("exec", name("well"), "busybox", "rm", "/tmp/well"));
        awaitHealth("unhealthy");
        note("its check", docker.inspect(name("well"), "{{(index .State.Health.Log 0).ExitCode}}"));
        remove("well");
    }

    private void awaitHealth(String health) {
        Wait.until(
                health,
                () -> docker.inspect(name("well"), "{{.State.Health.Status}}").equals(health));
        note("health", health);
    }

    private void restarts() {
        start("fails", List.of("--restart=on-failure:2"), "echo once; exit 5");
        Wait.until("it was restarted twice", () -> state("fails").equals("exited 5 false 2"));
        note("restart on failure", state("fails"));
        show("logs", words("logs", name("fails")));
        remove("fails");
        start("always", List.of("--restart=always"), "while :; do sleep 0.1; done");
        Signal.KILL.to(docker.init(name("always")).pid());
        Wait.until(
                "it was restarted",
                () -> docker.inspect(name("always"), "{{.RestartCount}} {{.State.Status}}")
                        .equals("1 running"));
        note("restart always", docker.status(name("always")));
        remove("always");
    }

    /** Status, exit code, whether for want of memory, how often restarted. */
    private String state(String name) {
        return docker.inspect(
                name(name), "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.RestartCount}}");
    }

    /** Docker's own events of a container, sorted, but those of execs, which come with their commands. */
    private String events(String name) {
        return String.join(
                " ",
                docker.docker(
                                "events",
                                "--since=1",
                                "--until=" + (System.currentTimeMillis() / 1000 + 1),
                                "--filter=container=" + name(name),
                                "--format={{.Action}}")
                        .ok()
                        .out()
                        .lines()
                        .filter(event -> !event.startsWith("exec_"))
                        .sorted()
                        .toList());
    }

    /** Empty if the container has ended. */
    private String cgroup(String controller, String name, String file) {
        Path folder =
                Path.of("/sys/fs/cgroup", controller, docker.node().namespace(), docker.inspect(name(name), "{{.Id}}"));
        try {
            return Files.readString(folder.resolve(file)).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static long pid() {
        return ProcessHandle.current().pid();
    }

    private String name(String name) {
        return runtime + "-" + name;
    }

    private void start(String name, String script) {
        start(name, List.of(), script);
    }

    private void start(String name, List<String> flags, String script) {
        List<String> all = new ArrayList<>(flags);
        all.add("--runtime=" + runtime);
        docker.run(name(name), all, "/bin/sh", "-c", script);
    }

    /** A run in the foreground. */
    private String[] run(List<String> flags, String script) {
        return Stream.of(
                        Stream.of("run", "--network=none", "--runtime=" + runtime),
                        flags.stream(),
                        Stream.of(Image.NAME, "/bin/sh", "-c", script))
                .flatMap(words -> words)
                .toArray(String[]::new);
    }

    private static String[] words(String... words) {
        return words;
    }

    private Run client(String... words) {
        return docker.client(words);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void show(String step, String... words) {
        show(step, client(words));
    }

    private void show(String step, Run client) {
        Outcome outcome = client.run();
        note(
                step,
                Stream.of(Integer.toString(outcome.code()), outcome.out(), outcome.err())
                        .map(text -> text.replace(NO_FORWARDING, "").strip())
                        .filter(text -> !text.isEmpty())
                        .map(text -> String.join(
                                " / ", text.lines().map(String::strip).toList()))
                        .collect(Collectors.joining(" | ")));
    }

    private void note(String step, String seen) {
        lines.append(step)
                .append(": ")
                .append(seen.replace(runtime + "-", "").replaceAll("\\b\\p{XDigit}{64}\\b", "ID"))
                .append('\n');
    }

    private void await(String what, String[] words) {
        await(what, words, "");
    }

    private void await(String what, String[] words, String text) {
        Wait.until(what, () -> {
            Outcome outcome = client(words).run();
            return outcome.code() == 0 && outcome.out().contains(text);
        });
    }

    private void remove(String name) {
        docker.docker("rm", "-f", name(name)).ok();
    }
}
