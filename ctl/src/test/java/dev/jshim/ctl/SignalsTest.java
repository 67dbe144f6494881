package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalsTest {
    @ParameterizedTest
    @CsvSource({"HUP,1", "sigusr1,10", "SIGUSR2,12", "CHLD,17", "SYS,31", "9,9", "64,64"})
    void numbers(String text, int number) {
        assertThat(Signals.parse(text)).isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "SIG", "0", "65", "-9", "1e1", "SIGSIGTERM", "99999999999"})
    void nonsense(String text) {
        assertThatThrownBy(() -> Signals.parse(text)).isInstanceOf(CliException.class);
    }

    @Test
    void names() {
        assertThat(Signals.name(15)).isEqualTo("SIGTERM");
        assertThat(Signals.name(40)).isEqualTo("40");
    }
}
