package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.launcher.Launch.Result;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code start} without a JVM: when the launcher joins the shim of its node, and when it leaves that to the JVM. */
@Timeout(180)
class JoinTest {
    private static final String ANSWER = "{\"version\":3}\n";
    private static final String OPTIONS = "what containerd wrote\0to stdin";
    private static final Instant PAST = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    Path folder;

    private final List<Path> groups = new ArrayList<>();
    private Launch launch;
    private String address;
    private Path group;
    private Path socket;

    @BeforeEach
    void found() throws IOException {
        launch = Launch.in(folder);
        Files.setLastModifiedTime(launch.config(), FileTime.from(PAST));
        socket = folder.resolve("sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
        }
        found(folder + "/c.sock");
    }

    private void found(String address) throws IOException {
        this.address = address;
        group = Launch.nodeGroup(address);
        groups.add(group);
        Files.writeString(group.resolve("reply"), Launch.record(socket));
    }

    @AfterEach
    void remove() throws IOException {
        for (Path each : groups) {
            try (Stream<Path> files = Files.walk(each)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private Result start(String options) throws Exception {
        return launch.run(options, address, "start");
    }

    private void joins(String options) throws Exception {
        assertThat(start(options)).isEqualTo(new Result(0, ANSWER, "", ""));
    }

    /** The JVM gets all that there was, and nothing has been done for it. */
    private void leavesIt(String options) throws Exception {
        Result result = start(options);
        assertThat(result.code()).isZero();
        assertThat(result.out()).isEqualTo("shell\n");
        assertThat(result.err()).isEmpty();
        String pid = Long.toString(ProcessHandle.current().pid());
        assertThat(result.script())
                .startsWith("0, 1, 2, 3\n")
                .endsWith(" " + pid + " containerd-shim-v2-oci start one "
                        + String.join(" ", Launch.flags(address, "one", "start")) + "\n" + options);
        try (Stream<Path> files = Files.list(launch.bundle())) {
            assertThat(files.map(file -> file.getFileName().toString())).isSubsetOf("config.json");
        }
    }

    private void config(String text) throws IOException {
        Files.writeString(launch.config(), text);
        Files.setLastModifiedTime(launch.config(), FileTime.from(PAST));
    }

    @Test
    void aShimThatRunsIsJoined() throws Exception {
        Files.writeString(group.resolve("joined"), "");
        Files.setLastModifiedTime(group.resolve("joined"), FileTime.from(PAST));

        joins(OPTIONS);

        assertThat(launch.bundle().resolve("address")).hasContent("unix://" + socket);
        assertThat(launch.bundle().resolve("shim.pid"))
                .hasContent(Long.toString(ProcessHandle.current().pid()));
        assertThat(Files.getLastModifiedTime(group.resolve("joined")).toInstant())
                .as("the mark for a shim that is about to end")
                .isAfter(PAST.plusSeconds(1));
        try (Stream<Path> files = Files.list(launch.bundle())) {
            assertThat(files).hasSize(3);
        }
        joins("");
    }

    /** The name of the group's folder is a hash: of texts that fill its blocks in each way. */
    @Test
    void addressesOfAnyLengthAreFound() throws Exception {
        for (int length = 1; length < 140; length++) {
            found("/" + "a".repeat(length));
            joins(OPTIONS);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "# Grouping = \"pod\"\n",
                "BinaryName = \"runc\"\n",
                "Grouping=\"node\"",
                "# one\n\n\t Grouping  =\t\"node\" # all of a namespace\n",
                "BinaryName = \"/usr/bin/crun\"\nIoUid = 1000\nSystemdCgroup = true\nGrouping = \"node\"\nRoot = \"\"\n",
            })
    void whatAConfigurationMaySay(String config) throws Exception {
        config(config);
        joins(OPTIONS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Grouping = \"pod\"\n",
                "Grouping = 'node'\n",
                "\"Grouping\" = \"node\"\n",
                "Grouping = \"no\\u0064e\"\n",
                "Grouping = \"node\" \"x\"\n",
                "Grouping = \"node\"\nGrouping = \"pod\"\n",
                "[runtime]\nGrouping = \"node\"\n",
                "Root = \"\"\"\nGrouping = \"node\"\n\"\"\"\n",
                "Root = '''\nGrouping = \"node\"\n'''\n",
                "Grouping = \"node\"\nRoot = \"/a b\"\n",
                "Grouping = \"node\"\n\0",
            })
    void whatIsNotPlainlyOneShimForTheNode(String config) throws Exception {
        config(config);
        leavesIt(OPTIONS);
    }

    @Test
    void withoutAConfigurationTheDefaultHolds() throws Exception {
        Files.delete(launch.config());
        joins(OPTIONS);
        for (String name : List.of("bin", "lib", "bundles")) {
            Files.move(folder.resolve(name), folder.resolve("before-" + name));
        }
        launch = Launch.in(folder, Programs.launcher("launcher-pod", "DEFAULT_GROUPING=\"pod\""), "x");
        config("BinaryName = \"runc\"\n");
        leavesIt(OPTIONS);
        Files.delete(launch.config());
        leavesIt(OPTIONS);
        config("Grouping = \"node\"\n");
        joins(OPTIONS);
    }

    @Test
    void aConfigurationThatWasChangedSince() throws Exception {
        Files.setLastModifiedTime(launch.config(), FileTime.from(Instant.now().plusSeconds(60)));
        leavesIt(OPTIONS);
    }

    @ParameterizedTest
    @CsvSource({
        "shim \\d+ , shim 0",
        "(shim \\d+) , $1 1",
        "shim \\d+ \\d+, shim 1",
        "shim .*, shim",
        "caller \\d+ \\d+, caller 1 1",
        "(caller \\d+) , $1 1",
        "caller .*, ''",
        "ttrpc, grpc",
        "protocol .*, ''",
        "answer .*, answer",
        "socket, sockets",
        "socket /, socket ./",
        "/sock, /bundles/one/config.json",
        "/sock, /nothing",
    })
    void aRecordThatDoesNotFit(String found, String instead) throws Exception {
        Path record = group.resolve("reply");
        String text = Files.readString(record);
        String changed = text.replaceFirst(found, instead);
        assertThat(changed).isNotEqualTo(text);
        Files.writeString(record, changed);
        leavesIt(OPTIONS);
    }

    @Test
    void noRecord() throws Exception {
        Files.writeString(group.resolve("reply"), Launch.record(socket) + "\0");
        leavesIt(OPTIONS);
        Files.delete(group.resolve("reply"));
        leavesIt(OPTIONS);
    }

    @Test
    void optionsThatMayChangeTheGroupingOrAreLong() throws Exception {
        leavesIt("\n\u001aruntimeoptions.v1.Options\u0012");
        leavesIt("x".repeat(65535) + "runtimeoptions");
        for (int size : List.of(65535, 65536, 65537, 1 << 20)) {
            if (size < 65536) {
                joins("x".repeat(size));
                Files.delete(launch.bundle().resolve("address"));
                Files.delete(launch.bundle().resolve("shim.pid"));
            } else {
                leavesIt("x".repeat(size));
            }
        }
    }

    @Test
    void aBundleOfASandbox() throws Exception {
        Files.delete(launch.bundle().resolve("config.json"));
        leavesIt(OPTIONS);
    }

    /** Its containers may have options in a journal. */
    @Test
    void theProgramOfTheOldRuntimesName(@TempDir Path other) throws Exception {
        launch = Launch.in(other, Programs.launcher("launcher-v1", "V1"), "copy");
        Files.setLastModifiedTime(launch.config(), FileTime.from(PAST));
        assertThat(start(OPTIONS).script()).contains("containerd-shim-v1-linux start one -namespace");
    }

    @Test
    void aCommandLineThatIsNotUnderstood() throws Exception {
        List<String> flags = Launch.flags(address, "one", "start");
        for (List<String> more : List.of(List.of("x"), List.of("-id"), List.of("start"))) {
            var all = new ArrayList<>(flags);
            all.addAll(more);
            assertThat(launch.run("", all).script()).contains(" containerd-shim-v2-oci  one " + String.join(" ", all));
        }
        for (String id : List.of("", "../one", ".one")) {
            assertThat(launch.run("", Launch.flags(address, id, "start")).out()).isEqualTo("shell\n");
        }
        var inline = List.of("--namespace=" + flags.get(1), "-debug", "--debug=true", "-address=" + address);
        var all = new ArrayList<>(inline);
        all.addAll(List.of("-id", "start", "-bundle", "/b", "start"));
        assertThat(launch.run("", all).out()).isEqualTo(ANSWER);
    }
}
