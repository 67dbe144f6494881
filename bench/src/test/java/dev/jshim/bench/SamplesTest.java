package dev.jshim.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From samples to the text of the report. */
class SamplesTest {
    private static Samples samples() {
        var samples = new Samples();
        for (var value : new double[] {90, 10, 20}) {
            samples.add(Subject.GO, value);
            samples.add(Subject.NODE, value / 2);
            samples.add(Subject.POD, value * 2);
        }
        samples.add(Subject.POD, 42);
        return samples;
    }

    @Test
    void theMedianIsTheMiddleOrTheMeanOfTheTwoInTheMiddle() {
        assertThat(samples().median(Subject.GO)).isEqualTo(20);
        assertThat(samples().median(Subject.POD)).isEqualTo(41);
        assertThat(samples().ratio(Subject.NODE)).isEqualTo(0.5);
        assertThat(samples().count()).isEqualTo(3);
        assertThatThrownBy(() -> new Samples().median(Subject.GO)).hasMessageContaining("nothing measured of GO");
    }

    @Test
    void aMissedAimIsSaid() {
        assertThat(new Row("run", "ms", 1.0, 1.3, true, samples()).markdown())
                .isEqualTo("| run, ms (n = 3) | 20.0 | 10.0 | 0.50 | ≤ 1.00 | 41.0 | 2.05 (missed) | ≤ 1.30 |");
        assertThat(new Row("calls", "calls/s", 0.7, 0.7, false, samples()).markdown())
                .contains("0.50 (missed) | ≥ 0.70")
                .contains("2.05 | ≥ 0.70");
    }

    @Test
    void theWordsAroundTheNumbersStay(@TempDir Path folder) throws Exception {
        var file = folder.resolve("bench.md");
        Files.writeString(file, "before\n<!-- measured: written by ./dev bench -->\nold\n<!-- end -->\nafter\n");

        Report.write(file, "new\n");

        assertThat(file).hasContent("before\n<!-- measured: written by ./dev bench -->\nnew\n<!-- end -->\nafter\n");
        Files.writeString(file, "no marks\n");
        assertThatThrownBy(() -> Report.write(file, "new\n")).hasMessageContaining("has no lines");
    }
}
