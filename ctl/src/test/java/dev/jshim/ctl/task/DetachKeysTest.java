package dev.jshim.ctl.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.ctl.cli.CliException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DetachKeysTest {
    /** Ctrl-P is written as P, Ctrl-Q as Q. */
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "ctrl-p;ctrl-q, abc, abc, false",
        "ctrl-p;ctrl-q, aPQb, a, true",
        "ctrl-p;ctrl-q, aPbQ, aPbQ, false",
        "ctrl-p;ctrl-q, PPQ, P, true",
        "ctrl-p;ctrl-q, Q, Q, false",
        "CTRL-Q, Qa, '', true",
        "x;x, axbxx, axb, true",
        "'', PQ, PQ, false",
    })
    void keys(String keys, String typed, String passed, boolean isLeft) {
        for (var chunk : new int[] {1, 2, 100}) {
            var detach = new DetachKeys(keys.replace(';', ','));
            var to = new ByteArrayOutputStream();
            var left = false;
            for (var from = 0; from < typed.length() && !left; from += chunk) {
                var bytes = control(typed.substring(from, Math.min(typed.length(), from + chunk)));
                left = detach.pass(bytes, bytes.length, to);
            }
            assertThat(left).as("in pieces of " + chunk).isEqualTo(isLeft);
            assertThat(to.toByteArray()).as("in pieces of " + chunk).isEqualTo(control(passed));
        }
    }

    private static byte[] control(String text) {
        return text.replace('P', '\u0010').replace('Q', '\u0011').getBytes(StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ctrl-", "ctrl-1", "ab", "a,", "ü"})
    void whatIsNoKey(String keys) {
        assertThatThrownBy(() -> new DetachKeys(keys))
                .isInstanceOf(CliException.class)
                .hasMessageContaining("is no key");
    }
}
