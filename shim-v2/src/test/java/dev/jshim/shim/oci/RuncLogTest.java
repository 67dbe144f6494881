package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuncLogTest {
    @TempDir
    Path folder;

    @Test
    void findsTheLastError() throws Exception {
        var log = folder.resolve("log.json");
        assertThat(RuncLog.lastError(log)).isEmpty();
        Files.writeString(log, """
                {"level":"warning","msg":"careful","time":"2026-01-01T00:00:00Z"}
                {"level":"error","msg":"first"}
                {"level":"error","msg":"exec: \\"nosuch\\": not found\\n","extra":{"a":[1]}}
                {"level":"info","msg":"after"}
                no json
                {"level":"error","msg":"cut
                """);
        assertThat(RuncLog.lastError(log)).isEqualTo("exec: \"nosuch\": not found");
    }

    @Test
    void whatWasSaidBesideItCountsWhereItHasNoError() throws Exception {
        var log = folder.resolve("log.json");
        Files.writeString(log, """
                {"level":"info","msg":"before"}
                unknown command checkpoint

                """);
        assertThat(RuncLog.lastError(log)).isEqualTo("unknown command checkpoint");
    }

    @Test
    void anObjectMayGoOverManyLines() throws Exception {
        var log = folder.resolve("log.json");
        Files.writeString(log, """
                a word before
                {
                  "msg": "executable file `\\/bin\\/nosuch` not found: {\\"a\\": }",
                  "level": "error",
                  "extra": {
                    "a": [{}, 1]
                  },
                  "time": "2026-11-30T09:42:08.035304Z"
                }
                executable file
                """);
        assertThat(RuncLog.lastError(log)).isEqualTo("executable file `/bin/nosuch` not found: {\"a\": }");
    }

    @Test
    void objectsAreToldApartWhateverIsBetweenThem() throws Exception {
        var log = folder.resolve("log.json");
        Files.writeString(log, """
                {"level":"info","msg":"a"}{"level":"error","msg":"b"} \t{
                "level":
                "error","msg":"c"}{"level":"info","msg":"d"} a word
                {not: an object of ours} [1]
                """);
        assertThat(RuncLog.lastError(log)).isEqualTo("c");
    }

    @Test
    void whatWasCutHidesNothingAfterItAndIsNobodysWord() throws Exception {
        var log = folder.resolve("log.json");
        var cut = """
                {
                  "level": "error",
                  "msg": "cut
                """;
        Files.writeString(log, cut);
        assertThat(RuncLog.lastError(log)).isEmpty();
        Files.writeString(log, cut.replace("cut", "whole\",") + "{\n \"msg\": \"after\",\n \"level\":\"error\"\n}\n");
        assertThat(RuncLog.lastError(log)).isEqualTo("after");
        Files.writeString(log, cut + "killed\n{".repeat(100_000));
        assertThat(RuncLog.lastError(log)).isEqualTo("killed");
    }

    @Test
    void whatIsNoUtf8HidesNothing() throws Exception {
        var log = folder.resolve("log.json");
        Files.write(log, "{\"level\":\"error\",\"msg\":\"no \u00e4\"}".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(RuncLog.lastError(log)).isEqualTo("no \ufffd");
    }

    @Test
    void anUnreadableLogHasNone() throws Exception {
        var log = folder.resolve("log.json");
        Files.createDirectory(log);
        assertThat(RuncLog.lastError(log)).isEmpty();
    }
}
