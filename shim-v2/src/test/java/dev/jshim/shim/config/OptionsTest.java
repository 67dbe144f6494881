package dev.jshim.shim.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.runc.CreateOptions;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptionsTest {
    @TempDir
    Path folder;

    @BeforeEach
    void noDefaults() {
        System.setProperty("jshim.config", folder.resolve("config.toml").toString());
    }

    @AfterEach
    void asBefore() {
        System.clearProperty("jshim.config");
    }

    private static Any any(String type, Message message) {
        return Any.newBuilder()
                .setTypeUrl(type)
                .setValue(message.toByteString())
                .build();
    }

    private static Any body(String text) {
        return any(
                "runtimeoptions.v1.Options",
                dev.jshim.proto.v2.runtimeoptions.Options.newBuilder()
                        .setConfigBody(ByteString.copyFromUtf8(text))
                        .build());
    }

    private static Any path(String path) {
        return any(
                "runtimeoptions.v1.Options",
                dev.jshim.proto.v2.runtimeoptions.Options.newBuilder()
                        .setConfigPath(path)
                        .build());
    }

    private static final dev.jshim.proto.v2.runc.Options RUNC = dev.jshim.proto.v2.runc.Options.newBuilder()
            .setBinaryName("crun")
            .setRoot("/r")
            .setSystemdCgroup(true)
            .setNoPivotRoot(true)
            .setNoNewKeyring(true)
            .setShimCgroup("/s")
            .setIoUid(-1)
            .setIoGid(7)
            .setCriuImagePath("/i")
            .setCriuWorkPath("/w")
            .setTaskApiAddress("a")
            .setTaskApiVersion(3)
            .build();

    @Test
    void everyFieldOfRuncsOptions() {
        for (var type : new String[] {"containerd.runc.v1.Options", "type.googleapis.com/containerd.runc.v1.Options"}) {
            var settings = Options.read(any(type, RUNC));

            assertThat(settings.text(Key.BINARY_NAME)).isEqualTo("crun");
            assertThat(settings.text(Key.ROOT)).isEqualTo("/r");
            assertThat(settings.on(Key.SYSTEMD_CGROUP)).isTrue();
            assertThat(settings.on(Key.NO_PIVOT_ROOT)).isTrue();
            assertThat(settings.on(Key.NO_NEW_KEYRING)).isTrue();
            assertThat(settings.text(Key.SHIM_CGROUP)).isEqualTo("/s");
            assertThat(settings.number(Key.IO_UID)).isEqualTo(-1);
            assertThat(settings.number(Key.IO_GID)).isEqualTo(7);
            assertThat(settings.text(Key.CRIU_IMAGE_PATH)).isEqualTo("/i");
            assertThat(settings.text(Key.CRIU_WORK_PATH)).isEqualTo("/w");
            assertThat(settings.text(Key.TASK_API_ADDRESS)).isEqualTo("a");
            assertThat(settings.number(Key.TASK_API_VERSION)).isEqualTo(3);
        }
    }

    @Test
    void theLegacyOnes() {
        var create = Options.read(any(
                "containerd.linux.runc.CreateOptions",
                CreateOptions.newBuilder().setNoPivotRoot(true).setIoUid(5).build()));
        var runtime = Options.read(any(
                "containerd.linux.runc.RuncOptions",
                RuncOptions.newBuilder()
                        .setRuntime("crun")
                        .setRuntimeRoot("/r")
                        .setSystemdCgroup(true)
                        .build()));

        assertThat(create.on(Key.NO_PIVOT_ROOT)).isTrue();
        assertThat(create.number(Key.IO_UID)).isEqualTo(5);
        assertThat(runtime.text(Key.BINARY_NAME)).isEqualTo("crun");
        assertThat(runtime.text(Key.ROOT)).isEqualTo("/r");
        assertThat(runtime.on(Key.SYSTEMD_CGROUP)).isTrue();
    }

    /** As pelletier/go-toml, which CRI marshals its section with, writes it. */
    @Test
    void theTextThatCriSends() {
        var settings = Options.read(body("BinaryName = '/usr/bin/crun'\nSystemdCgroup = true\nIoUid = 0\n"));

        assertThat(settings.text(Key.BINARY_NAME)).isEqualTo("/usr/bin/crun");
        assertThat(settings.on(Key.SYSTEMD_CGROUP)).isTrue();
    }

    /** As containerd 2 sends the section of a handler that still names the v1 runtime. */
    @Test
    void theTextOfAnOldSection() {
        var settings =
                Options.read(body("CriuPath = ''\nRuntime = 'crun'\nRuntimeRoot = '/r'\nSystemdCgroup = true\n"));

        assertThat(settings.text(Key.BINARY_NAME)).isEqualTo("crun");
        assertThat(settings.text(Key.ROOT)).isEqualTo("/r");
        assertThat(settings.on(Key.SYSTEMD_CGROUP)).isTrue();
        assertThatThrownBy(() -> Options.read(body("BinaryName = 'runc'\nRuntime = 'crun'\n")))
                .hasMessageContaining("another name of an option");
    }

    @Test
    void theBodyBeforeThePath() throws IOException {
        Files.writeString(folder.resolve("x.toml"), "Grouping = \"node\"\n");
        var path = folder.resolve("x.toml").toString();
        var both = dev.jshim.proto.v2.runtimeoptions.Options.newBuilder()
                .setConfigBody(ByteString.copyFromUtf8("Grouping = \"container\""))
                .setConfigPath(path)
                .build();

        assertThat(Options.read(path(path)).grouping()).isEqualTo(Grouping.NODE);
        assertThat(Options.read(any("runtimeoptions.v1.Options", both)).grouping())
                .isEqualTo(Grouping.CONTAINER);
    }

    @Test
    void theNodesDefaultsBelow() throws IOException {
        Files.writeString(
                folder.resolve("config.toml"), "BinaryName = \"crun\"\nSystemdCgroup = true\nGrouping = \"node\"\n");

        assertThat(Options.read(Any.getDefaultInstance()).text(Key.BINARY_NAME)).isEqualTo("crun");
        var over = Options.read(body("BinaryName = \"runc\"\nSystemdCgroup = false\n"));
        assertThat(over.text(Key.BINARY_NAME)).isEqualTo("runc");
        assertThat(over.on(Key.SYSTEMD_CGROUP)).isFalse();
        assertThat(over.grouping()).isEqualTo(Grouping.NODE);
        var message = Options.read(any(
                "containerd.runc.v1.Options",
                dev.jshim.proto.v2.runc.Options.newBuilder().setRoot("/r").build()));
        assertThat(message.text(Key.BINARY_NAME)).isEqualTo("crun");
        assertThat(message.text(Key.ROOT)).isEqualTo("/r");
        assertThat(message.on(Key.SYSTEMD_CGROUP)).isTrue();
    }

    /** The package's own file: each key is there, with what holds anyway behind it, and all are switched off. */
    @Test
    void theFileOfThePackage() throws IOException {
        var text = Files.readString(Path.of("../dist/src/main/deb/config.toml"));
        Files.writeString(folder.resolve("config.toml"), text);
        assertThat(Defaults.read()).isSameAs(Settings.NONE);

        var allOn = text.replaceAll("(?m)^#(?=[A-Z])", "");
        var settings = ConfigText.parse("config.toml", allOn);
        var notOptions = List.of(
                Key.CRIU_IMAGE_PATH,
                Key.CRIU_PATH,
                Key.TASK_API_ADDRESS,
                Key.TASK_API_VERSION,
                Key.TYPE_URL,
                Key.CONFIG_PATH);
        for (var key : Key.values()) {
            assertThat(allOn.contains("\n" + key.text() + " = ")).as(key.text()).isEqualTo(!notOptions.contains(key));
        }
        assertThat(settings.grouping()).isEqualTo(Settings.NONE.grouping());
        assertThat(settings.protocol()).isEqualTo(Settings.NONE.protocol());
        assertThat(settings.on(Key.SYSTEMD_CGROUP)).isFalse();
    }

    @Test
    void aMistakeInTheDefaultsNamesTheFile() throws IOException {
        Files.writeString(folder.resolve("config.toml"), "\nGruping = \"node\"\n");

        assertThatThrownBy(() -> Options.read(Any.getDefaultInstance()))
                .hasMessage(folder.resolve("config.toml") + ":2: Gruping is not a known option: Grouping?");
    }

    @Test
    void whatCannotBeRead() {
        assertThatThrownBy(() -> Options.read(path("/nowhere/x.toml")))
                .hasMessage("/nowhere/x.toml: cannot be read: no such file");
        assertThatThrownBy(() -> Options.read(body("Colour = 1")))
                .hasMessage("ConfigBody:1: Colour is not a known option");
        assertThatThrownBy(() -> Options.read(
                        Any.newBuilder().setTypeUrl("windows.Options").build()))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.UNIMPLEMENTED));
        assertThatThrownBy(() -> Options.read(Any.newBuilder()
                        .setTypeUrl("containerd.runc.v1.Options")
                        .setValue(ByteString.copyFrom(new byte[] {1, 2, 3}))
                        .build()))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.INVALID_ARGUMENT));
    }
}
