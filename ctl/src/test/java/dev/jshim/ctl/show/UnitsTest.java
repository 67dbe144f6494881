package dev.jshim.ctl.show;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitsTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "5000000, 4.8 MiB",
        "1048575, 1.0 MiB",
        "67108864, 64.0 MiB",
        "1099511627776, 1.0 TiB",
        "9223372036854775807, 8.0 EiB"
    })
    void bytes(long bytes, String text) {
        assertThat(Units.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.00 s",
        "1234, 1.23 s",
        "59999, 59.99 s",
        "60000, 1m00s",
        "3599999, 59m59s",
        "3600000, 1h00m",
        "86399999, 23h59m",
        "90000000, 1d1h"
    })
    void millis(long millis, String text) {
        assertThat(Units.millis(millis)).isEqualTo(text);
    }

    @Test
    void whatIsNotKnownStaysSo() {
        assertThat(Units.bytes(null)).isNull();
        assertThat(Units.millis(null)).isNull();
        assertThat(Units.percent(5_000_000, 64 << 20)).isEqualTo(7.5);
    }
}
