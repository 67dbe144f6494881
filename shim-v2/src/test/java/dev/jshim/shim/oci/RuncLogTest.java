package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

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
    void anUnreadableLogHasNone() throws Exception {
        var log = folder.resolve("log.json");
        Files.write(log, new byte[] {(byte) 0xff, (byte) 0xfe, '\n'});
        assertThat(RuncLog.lastError(log)).isEmpty();
    }
}
