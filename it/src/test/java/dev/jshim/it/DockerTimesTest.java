package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What Docker's commands and health checks take under our shim and under Docker's default runtime, in turn on one
 * daemon. Prints it; docs/scope.md has the numbers.
 */
@LongRun
class DockerTimesTest {
    private static final String DEFAULT = "runc";

    /** Whatever the machine does meanwhile: more than so many times the default runtime's median is a fault. */
    private static final int MOST = 3;

    private static final int ROUNDS = 30;

    /** Ten minutes, or as many seconds as who tries it says. */
    private static final Duration CHECKED = Duration.ofSeconds(Long.getLong("jshim.health.seconds", 600));

    private static final Duration BETWEEN_DEATHS = Duration.ofSeconds(15);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);

    @Test
    void commands() {
        Product.home();
        try (PrivateDocker docker =
                PrivateDocker.create(DockerRelease.V28, Release.V2, true).start()) {
            Commands ours = Commands.of(docker, PrivateDocker.JSHIM);
            Commands theirs = Commands.of(docker, DEFAULT);
            for (int i = 0; i < ROUNDS; i++) {
                ours.round();
                theirs.round();
            }
            compare("docker run --rm", ours.run, theirs.run);
            compare("docker exec", ours.exec, theirs.exec);
            compare("docker stop", ours.stop, theirs.stop);
            compare("docker start", ours.start, theirs.start);
            docker.docker("rm", "-f", PrivateDocker.JSHIM, DEFAULT).ok();
            docker.finish();
        }
    }

    /** The commands of one runtime, whose container has its name. */
    private record Commands(
            PrivateDocker docker, String runtime, CallTimes run, CallTimes exec, CallTimes stop, CallTimes start) {
        static Commands of(PrivateDocker docker, String runtime) {
            docker.run(
                    runtime,
                    List.of("--runtime=" + runtime),
                    "/bin/sh",
                    "-c",
                    "trap 'exit 7' TERM; sleep 99999 & wait");
            return new Commands(docker, runtime, new CallTimes(), new CallTimes(), new CallTimes(), new CallTimes());
        }

        void round() {
            measure(run, "run", "--rm", "--network=none", "--runtime=" + runtime, Image.NAME, "/bin/true");
            measure(exec, "exec", runtime, "/bin/true");
            measure(stop, "stop", "--time=30", runtime);
            assertThat(docker.inspect(runtime, "{{.State.ExitCode}}")).isEqualTo("7");
            measure(start, "start", runtime);
        }

        private void measure(CallTimes times, String... command) {
            times.measure(() -> docker.docker(command).ok());
        }
    }

    /** A check each second, while the JVM that serves them dies again and again: none fails, and none is missing. */
    @Test
    void healthChecks() throws IOException {
        Product.home();
        try (PrivateDocker docker =
                PrivateDocker.create(DockerRelease.V28, Release.V2, true).start()) {
            Checked ours = Checked.start(docker, PrivateDocker.JSHIM);
            Checked theirs = Checked.start(docker, DEFAULT);
            int deaths = 0;
            long began = System.nanoTime();
            while (System.nanoTime() - began < CHECKED.toNanos()) {
                Wait.pause(BETWEEN_LOOKS);
                ours.look();
                theirs.look();
                if (System.nanoTime() - began
                        > BETWEEN_DEATHS.multipliedBy(deaths + 1).toNanos()) {
                    Signal.KILL.to(docker.jvm(PrivateDocker.JSHIM).pid());
                    deaths++;
                }
            }
            System.out.printf(
                    "health checks in %d s with %d deaths of the JVM: %d, default runtime: %d%n",
                    CHECKED.toSeconds(), deaths, ours.runs(), theirs.runs());
            compare("health check", ours.times, theirs.times);
            assertThat(deaths).isPositive();
            assertThat(ours.runs()).isGreaterThan(theirs.runs() * 3 / 4);
            docker.docker("rm", "-f", PrivateDocker.JSHIM, DEFAULT).ok();
            docker.finish();
        }
    }

    /**
     * A container that Docker checks each second, and that is unhealthy with the first check that fails.
     *
     * @param seen when the checks began that were looked at
     */
    private record Checked(PrivateDocker docker, String name, Path file, CallTimes times, Set<String> seen) {
        static Checked start(PrivateDocker docker, String runtime) {
            docker.run(
                    runtime,
                    List.of(
                            "--runtime=" + runtime,
                            "--health-cmd=echo >>/runs",
                            "--health-interval=1s",
                            "--health-retries=1"),
                    "/bin/sleep",
                    "100000");
            Path file = Path.of("/proc/" + docker.init(runtime).pid() + "/root/runs");
            Checked checked = new Checked(docker, runtime, file, new CallTimes(), new HashSet<>());
            Wait.until(
                    runtime + " is healthy",
                    () -> checked.health().get("Status").getAsString().equals("healthy"));
            return checked;
        }

        private JsonObject health() {
            return JsonParser.parseString(docker.inspect(name, "{{json .State.Health}}"))
                    .getAsJsonObject();
        }

        /** Docker keeps the last five. */
        void look() {
            JsonObject health = health();
            assertThat(health.get("Status").getAsString()).as(health.toString()).isEqualTo("healthy");
            for (JsonElement each : health.getAsJsonArray("Log")) {
                JsonObject check = each.getAsJsonObject();
                assertThat(check.get("ExitCode").getAsInt())
                        .as(health.toString())
                        .isZero();
                if (seen.add(check.get("Start").getAsString())) {
                    times.add(Duration.between(time(check, "Start"), time(check, "End")));
                }
            }
        }

        private static OffsetDateTime time(JsonObject check, String key) {
            return OffsetDateTime.parse(check.get(key).getAsString());
        }

        /** By the container's own count; Docker has a result for each, but for one that is under way. */
        int runs() throws IOException {
            int runs = Files.readAllLines(file).size();
            look();
            assertThat(seen.size()).as("results of " + runs + " runs").isGreaterThanOrEqualTo(runs - 1);
            return runs;
        }
    }

    private static void compare(String what, CallTimes ours, CallTimes theirs) {
        System.out.printf(
                "%s, ms: %s; default runtime: %s; ratio of the medians %.2f%n",
                what, ours.summary(), theirs.summary(), (double) ours.median() / theirs.median());
        assertThat(ours.median()).as(what).isLessThan(MOST * theirs.median());
    }
}
