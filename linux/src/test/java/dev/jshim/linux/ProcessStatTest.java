package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessStatTest {
    @Test
    void theCommandMayHoldParenthesesAndBlanks() {
        String line = "12 (a) b (c)) S 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 4242 22 23\n";

        assertThat(ProcessStat.parse(line)).isEqualTo(new ProcessStat(12, "a) b (c)", 'S', 3, 4, 5, 8, 19, 4242));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "12", "12 (a", "12 (a)", "12 (a) S 1 2 3", "(a) S 1"})
    void refusesAnythingElse(String line) {
        assertThatThrownBy(() -> ProcessStat.parse(line)).isInstanceOf(IllegalArgumentException.class);
    }
}
