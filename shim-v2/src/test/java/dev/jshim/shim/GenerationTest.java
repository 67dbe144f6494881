package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            path~github.com/containerd/containerd/cmd/containerd                                     | V1_7
            path~github.com/containerd/containerd/v2/cmd/containerd                                  | V2
            path~github.com/containerd/containerd/v2/cmd/containerd;dep~github.com/containerd/containerd~v1.7.1 | V2
            path~github.com/k3s-io/k3s/cmd/server;dep~github.com/containerd/containerd/v2~v2.1.4     | V2
            path~github.com/k3s-io/k3s/cmd/server;dep~github.com/containerd/containerd~v1.7.3        | V1_7
            path~x;dep~github.com/containerd/containerd~v1.7.3;dep~github.com/containerd/containerd/v2~v2.0.0   | UNKNOWN
            path~example.com/other;dep~github.com/containerd/containerd-like~v1                      | UNKNOWN
            path~github.com/containerd/containerdx/cmd                                               | UNKNOWN
            path                                                                                     | UNKNOWN
            ''                                                                                       | UNKNOWN
            """)
    void byTheMainPackageElseByTheModules(String info, Generation generation) {
        assertThat(Generation.of(info.replace(';', '\n').replace('~', '\t'))).isEqualTo(generation);
    }

    @Test
    void waitsAsLongAsItsOwnShim() {
        assertThat(Generation.V1_6.background()).isEqualTo(Duration.ofSeconds(2));
        assertThat(Generation.V1_7.background()).isEqualTo(Duration.ofSeconds(2));
        assertThat(Generation.V2.background()).isEqualTo(Duration.ofSeconds(10));
        assertThat(Generation.UNKNOWN.background()).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void beforeMaxShimVersionItIsOld() {
        assertThat(Generation.of((int) ProcessHandle.current().pid(), null)).isEqualTo(Generation.V1_6);
    }

    @Test
    void anyOtherCallerIsUnknown() {
        assertThat(Generation.of(0, "2")).isEqualTo(Generation.UNKNOWN);
        assertThat(Generation.of(1, "2")).isEqualTo(Generation.UNKNOWN);
        assertThat(Generation.of(Integer.MAX_VALUE, "2")).isEqualTo(Generation.UNKNOWN);
        assertThat(Generation.of((int) ProcessHandle.current().pid(), "2"))
                .as("a JVM")
                .isEqualTo(Generation.UNKNOWN);
    }

    @Test
    void theInformationInAProgram() throws IOException {
        var program = Files.write(folder.resolve("p"), elf("path\texample.com/main\nmod\texample.com\tv1\n", 2));

        assertThat(GoBuildInfo.read(program)).isEqualTo("path\texample.com/main\nmod\texample.com\tv1\n");
    }

    @Test
    void aProgramOfAnOldGoOrOfNone() throws IOException {
        assertThat(GoBuildInfo.read(Files.write(folder.resolve("p"), elf("path\tx\n", 0))))
                .isEmpty();
        assertThat(GoBuildInfo.read(Path.of("/bin/sh"))).isEmpty();
    }

    @Test
    void damagedProgramsAreRefused() throws IOException {
        var whole = elf("path\texample.com/main\n", 2);
        for (var length = 0; length < whole.length; length += 7) {
            var cut = Files.write(folder.resolve("p"), java.util.Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> GoBuildInfo.read(cut))
                    .as("%d bytes", length)
                    .isInstanceOf(IOException.class);
        }
    }

    /** The header, the section, the names of the sections, and the table, which comes last. */
    private static byte[] elf(String modules, int flags) {
        var mark = "0123456789abcdef";
        var section = new ByteArrayOutputStream();
        section.writeBytes("\u00ff Go buildinf:".getBytes(StandardCharsets.ISO_8859_1));
        section.write(8);
        section.write(flags);
        section.writeBytes(new byte[16]);
        string(section, "go1.99");
        string(section, mark + modules + mark);
        var names = "\0.text\0.go.buildinfo\0.shstrtab\0".getBytes(StandardCharsets.US_ASCII);
        var table = 64 + section.size() + names.length;
        var file = ByteBuffer.allocate(table + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1);
        file.putLong(0x28, table)
                .putShort(0x3a, (short) 64)
                .putShort(0x3c, (short) 3)
                .putShort(0x3e, (short) 2);
        file.put(64, section.toByteArray()).put(64 + section.size(), names);
        file.putInt(table + 64, 7).putLong(table + 64 + 24, 64).putLong(table + 64 + 32, section.size());
        file.putInt(table + 128, 21)
                .putLong(table + 128 + 24, 64 + section.size())
                .putLong(table + 128 + 32, names.length);
        return file.array();
    }

    private static void string(ByteArrayOutputStream to, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        for (var rest = bytes.length; ; rest >>>= 7) {
            to.write(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
            if (rest <= 0x7f) {
                break;
            }
        }
        to.writeBytes(bytes);
    }
}
