package dev.jshim.shim.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.task.ShimException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTextTest {
    @Test
    void everyKey() {
        var settings = ConfigText.parse("f", """
                # what runc's options are called in CRI's configuration
                BinaryName = "/usr/bin/crun"
                Root = '/run/other'
                SystemdCgroup = true
                NoPivotRoot = true
                NoNewKeyring = false
                ShimCgroup = "/shims"
                IoUid = 1000
                IoGid = 4294967295
                CriuPath = ""
                CriuImagePath = "/images"
                CriuWorkPath = "/work"
                CriuTimeout = 90
                NeverCheckpointed = true
                TaskApiAddress = "ttrpc+unix:///x"
                TaskApiVersion = 3
                TypeUrl = "some.Type"
                ConfigPath = ""
                Grouping = "node"
                Protocol = "grpc"
                TaskApi = 3
                IdleTimeout = 30
                OrphanedContainers = "keep"
                """);

        assertThat(settings.values()).hasSize(Key.values().length);
        assertThat(settings.text(Key.BINARY_NAME)).isEqualTo("/usr/bin/crun");
        assertThat(settings.text(Key.ROOT)).isEqualTo("/run/other");
        assertThat(settings.on(Key.SYSTEMD_CGROUP)).isTrue();
        assertThat(settings.on(Key.NO_NEW_KEYRING)).isFalse();
        assertThat(settings.number(Key.IO_UID)).isEqualTo(1000);
        assertThat(settings.number(Key.IO_GID)).isEqualTo(-1);
        assertThat(settings.number(Key.CRIU_TIMEOUT)).isEqualTo(90);
        assertThat(settings.on(Key.NEVER_CHECKPOINTED)).isTrue();
        assertThat(settings.grouping()).isEqualTo(Grouping.NODE);
        assertThat(settings.protocol()).isEqualTo(Protocol.GRPC);
        assertThat(settings.taskApi()).isEqualTo(TaskApi.V3);
        assertThat(settings.idleTimeout()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void anEmptyTextSetsNothing() {
        var settings = ConfigText.parse("f", "# nothing\n");

        assertThat(settings).isEqualTo(Settings.NONE);
        assertThat(settings.grouping()).isEqualTo(Grouping.NODE);
        assertThat(settings.protocol()).isEqualTo(Protocol.TTRPC);
        assertThat(settings.taskApi()).isEqualTo(TaskApi.AUTO);
        assertThat(settings.idleTimeout()).isNull();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            BinaryNam = "runc"              | f:2: BinaryNam is not a known option: BinaryName?
            binary_name = "runc"            | f:2: binary_name is not a known option: BinaryName?
            systemdCgroup = true            | f:2: systemdCgroup is not a known option: SystemdCgroup?
            Colour = "blue"                 | f:2: Colour is not a known option
            SystemdCgroup = "true"          | f:2: SystemdCgroup must be true or false, not "true"
            BinaryName = 7                  | f:2: BinaryName must be a string, not 7
            Root = "relative"               | f:2: Root must be an absolute path, or "", not "relative"
            IoUid = -1                      | f:2: IoUid must be a whole number from 0 to 4294967295, not -1
            IoUid = 1.5                     | f:2: IoUid must be a whole number from 0 to 4294967295, not 1.5
            IoGid = [1]                     | f:2: IoGid must be a whole number from 0 to 4294967295, not [1]
            CriuPath = "/usr/sbin/criu"     | f:2: CriuPath must be "": it is not supported here, not "/usr/sbin/criu"
            Grouping = "Pod"                | f:2: Grouping must be "pod", "node" or "container", not "Pod"
            Protocol = "http"               | f:2: Protocol must be "ttrpc" or "grpc", not "http"
            TaskApi = "3"                   | f:2: TaskApi must be 2, 3 or "auto", not "3"
            TaskApi = 4                     | f:2: TaskApi must be 2, 3 or "auto", not 4
            [Grouping]                      | f:2: Grouping must be "pod", "node" or "container", not a table
            [options]                       | f:2: options is not a known option
            """)
    void aMistakeIsOneLineWithFileLineAndKey(String line, String message) {
        assertThatThrownBy(() -> ConfigText.parse("f", "IoGid = 1\n".replace("IoGid = 1", "# a comment") + line))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.INVALID_ARGUMENT))
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            BinaryName =
            BinaryName = "unfinished
            BinaryName
            = 3
            IoUid = 1 2
            [unfinished
            """)
    void aBrokenTextIsOneLineToo(String line) {
        assertThatThrownBy(() -> ConfigText.parse("f", "Root = \"/x\"\n" + line + "\n"))
                .isInstanceOf(ShimException.class)
                .hasMessageStartingWith("f:2: not valid TOML: ")
                .hasMessageNotContaining("\n");
    }

    @Test
    void aValueOfTwoLinesIsShownInOne() {
        assertThatThrownBy(() -> ConfigText.parse("f", "Grouping = \"\"\"a\nb\"\"\"\n"))
                .isInstanceOf(ShimException.class)
                .hasMessage("f:1: Grouping must be \"pod\", \"node\" or \"container\", not \"a?b\"");
    }

    /** toml4j would make a message for each letter, with all that come after it: gigabytes. */
    @ParameterizedTest
    @ValueSource(strings = {"IoUid = [%s", "IoUid =\t[%s]", "IoUid = {a = [%s", "\"a#b\" = [%s"})
    void aLongListIsNotRead(String line) {
        assertThatThrownBy(() -> ConfigText.parse("f", line.formatted("x".repeat(60_000))))
                .isInstanceOf(ShimException.class)
                .hasMessageStartingWith("f: not valid TOML: it is too long");
    }

    @Test
    void theSameKeyTwice() {
        assertThatThrownBy(() -> ConfigText.parse("f", "IoUid = 1\nIoUid = 2\n"))
                .isInstanceOf(ShimException.class)
                .hasMessageStartingWith("f")
                .hasMessageContaining("not valid TOML: ");
    }
}
