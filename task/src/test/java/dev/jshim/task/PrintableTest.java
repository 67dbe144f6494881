package dev.jshim.task;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
    private static final String HOSTILE = "a\tb\nc\r\u001b[2J\u009b\u007fä";

    @Test
    void aLineHasNoControlCharacters() {
        assertThat(Printable.line(HOSTILE)).isEqualTo("a?b?c??[2J??ä");
        assertThat(Printable.of(HOSTILE)).isEqualTo("a?b?c??[2J??ä");
    }

    @Test
    void textHasTabsAndLineEnds() {
        assertThat(Printable.text(HOSTILE)).isEqualTo("a\tb\nc??[2J??ä");
    }

    @Test
    void notTooLong() {
        assertThat(Printable.of("😀".repeat(200))).isEqualTo("😀".repeat(200));
        assertThat(Printable.of("😀".repeat(201))).isEqualTo("😀".repeat(200) + "...");
    }
}
