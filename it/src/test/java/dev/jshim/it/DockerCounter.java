package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A container of Docker's that counts to its log, and ends with 7 if it is asked to.
 *
 * @param name its name in Docker
 * @param init its process
 */
record DockerCounter(PrivateDocker docker, String name, ProcessFacts init) {
    static final int CODE = 7;

    private static final String SCRIPT =
            "trap 'exit " + CODE + "' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.05;"
                    + " if [ -e /hold ]; then echo $i >/held; while [ -e /hold ]; do sleep 0.05; done; fi; done";

    /** Starts one of a runtime, by its name in Docker's configuration. */
    static DockerCounter start(PrivateDocker docker, String runtime, String name, String... flags) {
        List<String> all = new ArrayList<>(List.of(flags));
        all.add("--runtime=" + runtime);
        docker.run(name, all, "/bin/sh", "-c", SCRIPT);
        return new DockerCounter(docker, name, docker.init(name));
    }

    /**
     * Ends dockerd while these count nothing; they go on as soon as it has ended. A dockerd that ends may have read a
     * line that it has not written yet, and that line is lost, whoever's the shim is. What is written while no dockerd
     * runs is not.
     */
    static void whileHeld(Runnable end, DockerCounter... counters) throws IOException {
        for (DockerCounter each : counters) {
            Files.createFile(each.file("hold"));
        }
        for (DockerCounter each : counters) {
            Wait.until(each.name + " holds, and Docker has all of it", () -> each.isHeard());
        }
        end.run();
        for (DockerCounter each : counters) {
            Files.delete(each.file("held"));
            Files.delete(each.file("hold"));
        }
    }

    private boolean isHeard() {
        try {
            String held = Files.exists(file("held")) ? Files.readString(file("held")) : "";
            return held.endsWith("\n") && Integer.parseInt(held.strip()) == count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path file(String file) {
        return Path.of("/proc/" + init.pid() + "/root", file);
    }

    /** It is the same process, counts on, lost no line, and takes an exec. */
    void goesOn() {
        assertThat(init.alive()).as(name + " runs").isTrue();
        // A daemon that has just begun may still be asking for its containers.
        Wait.until(
                name + " is running as " + init.pid(),
                () -> docker.inspect(name, "{{.State.Status}} {{.State.Pid}}").equals("running " + init.pid()));
        assertThat(init.alive()).as(name + " still runs").isTrue();
        int before = count();
        Lines.gapless(Wait.forValue(name + " counts on", () -> {
            String log = log();
            return log.lines().count() > before ? log : null;
        }));
        docker.docker("exec", name, "/bin/sh", "-c", "exit 5").expect(5);
    }

    /** Asks it to end; it was heard to its last line. */
    void stop() {
        docker.docker("stop", "--time=30", name).ok();
        assertThat(docker.exitOf(name)).isEqualTo(CODE);
        assertThat(init.alive()).isFalse();
        Lines.gapless(log());
    }

    private int count() {
        return (int) log().lines().count();
    }

    private String log() {
        return docker.docker("logs", name).ok().out() + "\n";
    }
}
