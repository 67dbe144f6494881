package dev.jshim.ctl.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalsTest {
    @ParameterizedTest
    @CsvSource({
        "HUP,1",
        "sigusr1,10",
        "SIGUSR2,12",
        "CHLD,17",
        "SYS,31",
        "9,9",
        "64,64",
        "IOT,6",
        "SIGPOLL,29",
        "cld,17",
        "SIGRTMIN,34",
        "SIGRTMIN+3,37",
        "rtmin+15,49",
        "RTMAX-14,50",
        "SIGRTMAX-1,63",
        "RTMAX,64",
    })
    void numbers(String text, int number) {
        assertThat(Signals.parse(text)).isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "SIG",
                "0",
                "65",
                "-9",
                "1e1",
                "SIGSIGTERM",
                "99999999999",
                "RTMIN+16",
                "RTMAX-15",
                "RTMIN+0",
                "RTMIN-1",
                "RTMAX+1",
                "RTMIN+",
                "RT"
            })
    void nonsense(String text) {
        assertThatThrownBy(() -> Signals.parse(text)).isInstanceOf(CliException.class);
    }

    @Test
    void saysWhichThereAre() {
        assertThatThrownBy(() -> Signals.parse("RTMIN+16")).isInstanceOfSatisfying(CliException.class, e -> {
            assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(e.hint()).contains("SIGRTMIN+15", "SIGRTMAX-14");
        });
    }

    @Test
    void names() {
        assertThat(Signals.name(15)).isEqualTo("SIGTERM");
        assertThat(Signals.name(32)).isEqualTo("32");
        assertThat(Signals.name(34)).isEqualTo("SIGRTMIN");
        assertThat(Signals.name(40)).isEqualTo("SIGRTMIN+6");
        assertThat(Signals.name(50)).isEqualTo("SIGRTMAX-14");
        assertThat(Signals.name(64)).isEqualTo("SIGRTMAX");
        for (var number = 1; number <= 64; number++) {
            assertThat(Signals.parse(Signals.name(number))).isEqualTo(number);
        }
    }
}
