package dev.jshim.shim.stdio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.linux.FileCalls;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SinkTest {
    @TempDir
    Path folder;

    @Test
    void isWhatTheNameMeans() throws Exception {
        var fifo = folder.resolve("fifo");
        FileCalls.mkfifo(fifo, 0600);
        var file = Files.createFile(folder.resolve("file"));
        var missing = folder.resolve("missing");
        assertThat(Sink.of("")).isNull();
        assertThat(Sink.of(fifo.toString())).isEqualTo(new Sink.Fifo(fifo));
        assertThat(Sink.of("fifo://" + fifo)).isEqualTo(new Sink.Fifo(fifo));
        assertThat(Sink.of(file.toString())).isEqualTo(new Sink.File(file));
        assertThat(Sink.of("file://" + file)).isEqualTo(new Sink.File(file));
        assertThat(Sink.of("file://" + missing)).isEqualTo(new Sink.File(missing));
        assertThat(Sink.of("file://" + fifo)).as("never opened as a file").isEqualTo(new Sink.Fifo(fifo));
    }

    /** As url.Parse, URL.Query and NewBinaryCmd make them of it in Go. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "binary:///bin/logger|/bin/logger|",
                "binary:///bin/logger?|/bin/logger|",
                "binary:///bin/logger?a=b|/bin/logger|a,b",
                "binary:///bin/logger?a=b&c=d&a=late|/bin/logger|a,b,c,d",
                "binary:///bin/logger?flag|/bin/logger|flag,",
                "binary:///bin/sh?-c=echo%20a+b%26c|/bin/sh|-c,echo a b&c",
                "binary:///a%20b+c|/a b+c|",
            })
    void aLoggersArguments(String name, String program, @Nullable String arguments) {
        var words = arguments == null ? List.<String>of() : List.of(arguments.split(",", -1));
        assertThat(Sink.of(name)).isEqualTo(new Sink.Binary(Path.of(program), words, false));
        assertThat(Sink.of(name.replaceFirst("binary", "binary-v2")))
                .isEqualTo(new Sink.Binary(Path.of(program), words, true));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "/nowhere/out, NOT_FOUND",
        "out, INVALID_ARGUMENT",
        "file://out, INVALID_ARGUMENT",
        "fifo://out, INVALID_ARGUMENT",
        "binary://bin/logger, INVALID_ARGUMENT",
        "binary:///bin/logger?x=%, INVALID_ARGUMENT",
        "npipe:////./pipe/x, UNIMPLEMENTED"
    })
    void refusesWhatItCannotBe(String name, Kind kind) {
        assertThatThrownBy(() -> Sink.of(name))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(
                        name.replace("file://", "").replace("fifo://", "").replace("binary://bin", "bin"));
    }
}
