package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The Debian package, on a clean Debian 12 with its containerd")
class PackageTest {
    /** With the making of the Debian root and two installations, on a machine that does other things too. */
    private static final Duration LIMIT = Duration.ofMinutes(40);

    /** The steps are in the scripts in src/test/sh. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "'is installed and used, upgraded under what runs, and removed', package.sh",
        "has units that do under a booted systemd what they say, systemd.sh"
    })
    @EnabledIfSystemProperty(
            named = "jshim.test.all",
            matches = "true",
            disabledReason = "needs a Debian mirror and takes minutes")
    void onACleanDebian(String what, String script) {
        Path repository = Path.of(System.getProperty("jshim.repository", ".."))
                .toAbsolutePath()
                .normalize();
        Outcome outcome = Run.of(List.of(
                        repository.resolve("it/src/test/sh").resolve(script).toString(), repository.toString()))
                .variables(Map.of(
                        "JSHIM_HOME", DistTree.built().home().toString(),
                        "JSHIM_CONTAINERD_2", Objects.requireNonNull(System.getenv("JSHIM_CONTAINERD_2")),
                        "JSHIM_CACHE", System.getenv().getOrDefault("JSHIM_CACHE", "")))
                .within(LIMIT)
                .run();
        System.out.println(outcome.out());
        outcome.ok();
        assertThat(outcome.out()).contains("== all holds");
    }
}
