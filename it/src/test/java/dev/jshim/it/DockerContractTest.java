package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a client of Docker does with a container, under our shim and under Docker's default runtime, compared. */
@LongRun
class DockerContractTest {
    /**
     * What Docker's versions, kernels and machines say in different ways; the two runtimes are to agree all the same.
     */
    private static final Set<String> VARIES = Set.of(
            "run, no such program",
            "run, no program",
            "exec, no such program",
            "exec --privileged",
            "rm",
            "memory without end",
            "waits for memory",
            "rm -f, waits for memory");

    private static final String EXPECTED = """
            run: 3 | out | err
            run -i: 0 | said
            run -it: 4 | 33 77 / me / heard me
            run --init: 0 | docker-init
            run --pid host: 0 | seen
            run -u -w -e -h: 0 | 7 / 8 / /tmp / y / host
            run --read-only --tmpfs: 1 | /bin/sh: can't create /b: Read-only file system
            run --ulimit --cap-drop: 0 | 99 / CapEff:\t0000000000000000
            exec: 5 | out | err
            exec -i: 0 | said
            exec -it: 6 | 33 77 / me
            exec -d: 0
            exec -u -e -w: 0 | 5 / y / /tmp
            top: /bin/sh -c trap 'echo hup' HUP; trap 'exit 7' TERM; while :; do sleep 0.1; done
            pause: 0 | main
            paused: paused
            exec while paused: 1 | Error response from daemon: Container main is paused, unpause the container before exec
            unpause: 0 | main
            unpaused: running
            update: 0 | main
            memory: 67108864
            cpu: 512
            pids: 99
            input and output: 0 | 4+0 records in / 4+0 records out
            stats: cpu SOME mem SOME / 64MiB SOME net 0B / 0B block 0B / 4.19MB pids SOME
            cp in: 0
            cp out: 0
            copied: copied
            kill -s HUP: 0 | main
            rename: 0
            rename back: 0
            logs -f: 0 | 1 / 2 / 3 / 4 / 5
            wait: 0 | 9
            start -a: 9 | 1 / 2 / 3 / 4 / 5
            wait, local: 0 | 0
            logs, local: 0 | said
            wait, none: 0 | 0
            logs, none: 1 | Error response from daemon: configured logging driver does not support reading
            attach, detach: 1 | one / one / heard one / read escape sequence
            detached: running
            attach, end: 3 | two / two / heard two
            attach without a terminal: 3 | heard one
            wait, end of input: 0 | 3
            stop: 0 | main
            stopped: exited 7 false 0
            start: 0 | main
            restart: 0 | main
            restarted: running
            kill: 0 | main
            wait, killed: 0 | 137
            killed: exited 137 false 0
            events: archive-path create die die die extract-to-dir kill kill kill kill pause rename restart start start start stop stop top unpause update
            stop -t 1: 0 | deaf
            stopped: exited 137 false 0
            rm -f: 0 | here
            wait, no memory: 0 | 137
            no memory: exited 137 true 0
            events, no memory: create die oom start
            wait, a child's memory: 0 | 2
            a child's memory: exited 2 true 0
            health: healthy
            falls ill: 0
            health: unhealthy
            its check: 0
            restart on failure: exited 5 false 2
            logs: 0 | once / once / once
            restart always: running
            """;

    static Stream<Arguments> dockers() {
        return Stream.of(
                Arguments.of(DockerRelease.V28, Release.V2, Engine.RUNC_NEWEST),
                Arguments.of(DockerRelease.V28, Release.V1_7, Engine.RUNC),
                Arguments.of(DockerRelease.V26, Release.V2, Engine.RUNC_NEWEST),
                Arguments.of(DockerRelease.V26, Release.V1_7, Engine.RUNC));
    }

    @ParameterizedTest(name = "Docker {0} on containerd {1} with {2}")
    @MethodSource("dockers")
    void theSameAsUnderTheDefaultRuntime(DockerRelease release, Release containerd, Engine engine) {
        Product.home();
        try (PrivateDocker docker =
                PrivateDocker.create(release, containerd, true).use(engine).start()) {
            String ours = DockerSheet.of(docker, PrivateDocker.JSHIM);
            assertThat(DockerSheet.of(docker, "runc")).isEqualTo(ours);
            assertThat(ours.lines()
                            .filter(line -> !VARIES.contains(line.replaceFirst(": .*", "")))
                            .collect(Collectors.joining("\n", "", "\n")))
                    .isEqualTo(EXPECTED);
            docker.finish();
        }
    }
}
