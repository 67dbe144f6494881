package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlagsTest {
    @Test
    void readsWhatContainerdWrites() throws Exception {
        var flags = Flags.parse(
                "-namespace",
                "k8s.io",
                "-address",
                "/a.sock",
                "-publish-binary",
                "/usr/bin/containerd",
                "-id",
                "box",
                "-bundle",
                "/b",
                "-debug",
                "start");
        assertThat(flags)
                .isEqualTo(new Flags(
                        "start", "k8s.io", "box", "/a.sock", "/usr/bin/containerd", Path.of("/b"), true, false, false));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"-id box", "-id=box", "--id box", "--id=box", "-id other -id box", "-socket /s -id box"})
    void readsAFlagInEachOfItsForms(String line) throws Exception {
        assertThat(Flags.parse(line.split(" ")).id()).isEqualTo("box");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "-debug, true",
        "-debug=true, true",
        "-debug=1, true",
        "-debug=false, false",
        "-debug=F, false",
        "start, false"
    })
    void readsASwitchAsGoDoes(String line, boolean debug) throws Exception {
        assertThat(Flags.parse(line).debug()).isEqualTo(debug);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "-unknown, unknown flag -unknown",
        "--unknown=1, unknown flag -unknown",
        "-, unknown flag -",
        "-id, flag -id needs a value",
        "-debug=maybe, neither true nor false",
        "start more, argument more after the command start"
    })
    void saysWhatIsWrong(String line, String message) {
        assertThatThrownBy(() -> Flags.parse(line.split(" ")))
                .isInstanceOf(Flags.UsageException.class)
                .hasMessageContaining(message);
    }

    @Test
    void takesAValueThatLooksLikeAFlag() throws Exception {
        assertThat(Flags.parse("-namespace", "-id", "start").namespace()).isEqualTo("-id");
        assertThat(Flags.parse("-namespace=a=b").namespace()).isEqualTo("a=b");
        assertThat(Flags.parse().command()).isEmpty();
        assertThat(Flags.parse("-v").version()).isTrue();
        assertThat(Flags.parse("--version").version()).isTrue();
        assertThat(Flags.parse("-info").info()).isTrue();
    }
}
