package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.launcher.Launch.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code delete} without a shell, and all that the launcher leaves to it. */
@Timeout(180)
class CleanDeleteTest {
    private static final String EXIT = "\u0008\u0001\u0010\u0080\u0001\u0000";

    @TempDir
    Path folder;

    private Launch launch;

    @BeforeEach
    void end() throws IOException {
        launch = Launch.in(folder);
        Files.setPosixFilePermissions(launch.bundle(), PosixFilePermissions.fromString("rwx--x---"));
        write("exit.pb", EXIT);
    }

    private void write(String name, String text) throws IOException {
        Path file = launch.bundle().resolve(name);
        Files.write(file, text.getBytes(StandardCharsets.ISO_8859_1));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }

    private Result delete() throws Exception {
        return launch.run("", "/a", "delete");
    }

    private void answers() throws Exception {
        assertThat(delete()).isEqualTo(new Result(0, EXIT, "", ""));
    }

    private void leavesIt() throws Exception {
        assertThat(delete().script())
                .endsWith(" containerd-shim-v2-oci delete one " + String.join(" ", Launch.flags("/a", "one", "delete"))
                        + "\n");
    }

    @Test
    void whatTheShimHasLeftIsPrinted() throws Exception {
        answers();
        Files.createDirectory(launch.bundle().resolve("rootfs"));
        write("runtime", "runc\n");
        answers();
    }

    @ParameterizedTest
    @ValueSource(strings = {"runtime-root", "jshim.v1"})
    void whereMoreIsToBeDone(String file) throws Exception {
        write(file, "");
        leavesIt();
        Files.delete(launch.bundle().resolve(file));
        Files.createSymbolicLink(launch.bundle().resolve(file), Path.of("nothing"));
        leavesIt();
    }

    @Test
    void withoutAnExit() throws Exception {
        write("exit.pb", "");
        leavesIt();
        write("exit.pb", "x".repeat(5000));
        leavesIt();
        Files.delete(launch.bundle().resolve("exit.pb"));
        leavesIt();
    }

    @ParameterizedTest
    @CsvSource({"rwxrwx---, rw-r--r--", "rwx----w-, rw-r--r--", "rwx------, rw-rw----", "rwx------, rw-r---w-"})
    void whatOthersMayWrite(String bundle, String exit) throws Exception {
        Files.setPosixFilePermissions(launch.bundle().resolve("exit.pb"), PosixFilePermissions.fromString(exit));
        Files.setPosixFilePermissions(launch.bundle(), PosixFilePermissions.fromString(bundle));
        leavesIt();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"unix://GROUPS/HASH/sock", "{\"version\":2,\"address\":\"/run/containerd/s/jshim-HALF.17\"}"})
    void aDeadShimsFolderIsLeftToTheShell(String address) throws Exception {
        String hash = Launch.sha256(folder.toString());
        Path group = Launch.group(hash);
        write(
                "address",
                address.replace("GROUPS", Programs.GROUPS.toString())
                        .replace("HASH", hash)
                        .replace("HALF", hash.substring(0, 32)));
        Path record = group.resolve("reply");
        try {
            answers();
            Files.writeString(record, Launch.record(Path.of("/sock")));
            answers();
            Files.writeString(record, "shim 1 1\n");
            leavesIt();
            Files.delete(record);
            Path moved = Files.move(group, group.resolveSibling(hash + ".old17"));
            answers();
            Files.writeString(moved.resolve("reply"), "shim 1 1\n");
            leavesIt();
            Files.delete(moved.resolve("reply"));
            Files.delete(moved);
            answers();
        } finally {
            Files.deleteIfExists(record);
            Files.deleteIfExists(group);
        }
        for (String other : List.of("unix:///elsewhere/sock", "unix://" + Programs.GROUPS + "/../x", "")) {
            write("address", other);
            answers();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../one", "a/b", "-x", "a b", "link", "two"})
    void anIdThatNamesNoBundle(String id) throws Exception {
        Files.createSymbolicLink(folder.resolve("bundles/link"), launch.bundle());
        assertThat(launch.run("", Launch.flags("/a", id, "delete")).out()).isEqualTo("shell\n");
    }

    /** The same descriptors and parent as if nobody had been in between, and a umask that denies writing to others. */
    @ParameterizedTest
    @CsvSource({"0,22", "002,22", "022,22", "027,27", "077,77"})
    void whatTheShellIsGiven(String umask, String instead) throws Exception {
        String shell = "sh " + folder + "/lib/sh/shim.sh containerd-shim-v2-oci '' '' -v";
        String direct = launch.runAs("", List.of("sh", "-c", "umask " + instead + "; exec " + shell))
                .script();
        String program = launch.program() + " -v";
        assertThat(launch.runAs("", List.of("sh", "-c", "umask " + umask + "; exec " + program))
                        .script())
                .isEqualTo(direct)
                .startsWith("0, 1, 2, 3\n00" + instead + " "
                        + ProcessHandle.current().pid() + " ");
        // Without a stdin no file of ours takes its place.
        assertThat(launch.runAs("", List.of("sh", "-c", "umask " + umask + "; exec " + program + " <&-"))
                        .script())
                .isEqualTo(direct);
    }

    @Test
    void theNameOfALink() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("containerd-shim-v2-process"), launch.program());
        Path other = Files.createSymbolicLink(folder.resolve("another"), launch.program());
        for (var name : Map.of(link, "containerd-shim-v2-process", other, "containerd-shim-v2-oci")
                .entrySet()) {
            assertThat(launch.runAs("", List.of(name.getKey().toString(), "-info"))
                            .script())
                    .endsWith(" " + name.getValue() + "   -info\n");
        }
    }
}
