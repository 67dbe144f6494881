package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The launchers")
class LauncherTest {

    private static final String SHIM = "containerd-shim-v2-oci";

    @TempDir
    private Path temp;

    @Test
    @DisplayName("work through symlinks of every kind and from PATH")
    void symlinks() throws IOException {
        DistTree tree = DistTree.built();
        Path target = tree.bin(SHIM);
        String version = versionOf(target.toString());
        Path absolute = Files.createSymbolicLink(temp.resolve("absolute"), target);
        Path relative = Files.createSymbolicLink(
                temp.resolve("relative"), temp.toRealPath().relativize(target.toRealPath()));
        Path chain = Files.createSymbolicLink(temp.resolve("chain"), Path.of("relative"));
        Path folder = Files.createSymbolicLink(temp.resolve("folder"), target.getParent());
        Path inPath = Files.createDirectory(temp.resolve("a folder"));
        Files.createSymbolicLink(inPath.resolve(SHIM), target);

        for (Path link : List.of(absolute, relative, chain, folder.resolve(SHIM), inPath.resolve(SHIM))) {
            assertThat(versionOf(link.toString())).as(link.toString()).isEqualTo(version);
        }
        assertThat(versionOf("./relative")).isEqualTo(version);
        var path = Map.of("PATH", inPath + ":" + System.getenv("PATH"));
        assertThat(Launched.run(temp, path, List.of("sh", "-c", SHIM + " -v")).result())
                .isEqualTo(version);
    }

    @ParameterizedTest
    @ValueSource(strings = {SHIM, "containerd-shim-v1-linux", "jshimctl"})
    @DisplayName("copied alone take the tree of the program in PATH, or say that they need one")
    void copies(String program) throws IOException {
        Path original = DistTree.built().bin(program);
        Path copy = Files.copy(original, temp.resolve("copy"), StandardCopyOption.COPY_ATTRIBUTES);
        String flag = program.equals("jshimctl") ? "--version" : "-v";
        var path = Map.of("PATH", original.getParent() + ":" + System.getenv("PATH"));
        String version =
                Launched.run(temp, path, List.of(original.toString(), flag)).result();

        assertThat(Launched.run(temp, path, List.of(copy.toString(), flag)).result())
                .isEqualTo(version);
        Launched lonely = Launched.run(temp, Map.of("PATH", "/usr/bin:/bin"), List.of(copy.toString(), flag));
        assertThat(lonely.code()).isEqualTo(1);
        assertThat(lonely.err())
                .isEqualTo(copy + ": this copy has no lib folder beside its own, and no " + program
                        + " in PATH has one: replace it with a link to the program\n");
    }

    @ParameterizedTest
    @CsvSource({SHIM + ", -h", SHIM + ", --help", "containerd-shim-v1-linux, -help"})
    @DisplayName("say to a person what they are for")
    void help(String program, String flag) {
        String path = DistTree.built().bin(program).toString();
        assertThat(Launched.run(temp, Map.of(), List.of(path, flag)).result())
                .startsWith("usage: " + program + " ")
                .contains("jshimctl --help");
    }

    @ParameterizedTest
    @ValueSource(strings = {SHIM, "containerd-shim-v1-linux", "jshimctl"})
    @DisplayName("let no JVM option of the environment print or change anything")
    void noise(String program) {
        var noise = Map.of(
                "JAVA_TOOL_OPTIONS", "-verbose:class",
                "_JAVA_OPTIONS", "-verbose:gc",
                "JDK_JAVA_OPTIONS", "-Dx=y",
                "CLASSPATH", "/nowhere");
        String program1 = DistTree.built().bin(program).toString();
        assertThat(Launched.run(temp, noise, List.of(program1, "aot-train")).result())
                .isEmpty();
    }

    @Test
    @DisplayName("start prints the address alone, hands on stdin and arguments, and leaves the daemon its own session")
    void start() throws IOException {
        DistTree tree = fakeJvm("""
                for word; do
                    case $word in
                    -Djshim.bundle=*) cd "${word#*=}" ;;
                    -Djshim.launcher=*) launcher=${word#*=} ;;
                    esac
                done
                cat </proc/$launcher/fd/0 >stdin.seen
                echo noise; echo noise >&2
                cut -d ' ' -f 1,4,6,7 /proc/$$/stat >stat.seen
                grep SigIgn /proc/$$/status >signals.seen
                echo "ok unix:///run/x.sock" >&3
                exec 3>&- sleep 60
                """);
        Launched started = Launched.run(temp, Map.of(), startOf(tree, SHIM), "options");

        assertThat(started.result()).isEqualTo("unix:///run/x.sock\n");
        assertThat(temp.resolve("stdin.seen")).hasContent("options");
        String[] pidParentSessionTerminal =
                Files.readString(temp.resolve("stat.seen")).strip().split(" ", -1);
        ProcessHandle daemon =
                ProcessHandle.of(Long.parseLong(pidParentSessionTerminal[0])).orElseThrow();
        assertThat(daemon.isAlive()).as("it was not waited for").isTrue();
        daemon.destroy();
        assertThat(pidParentSessionTerminal[2]).as("its keeper's session").isEqualTo(pidParentSessionTerminal[1]);
        long ignored = Long.parseUnsignedLong(
                Files.readString(temp.resolve("signals.seen")).split("\\s+", -1)[1], 16);
        assertThat(ignored & 0b110)
                .as("SIGINT and SIGQUIT are not ignored, though who started the launcher may ignore them")
                .isZero();
        assertThat(temp.resolve("jshim.err")).content().contains("noise\n");
    }

    @Test
    @DisplayName("start ends with the daemon's own reason, or with the JVM's last words")
    void startFails() throws IOException {
        Launched refused = Launched.run(temp, Map.of(), startOf(fakeJvm("echo 'error no runc here' >&3"), SHIM));
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.text()).isEmpty();
        assertThat(refused.err()).isEqualTo("jshim: no runc here\n");

        Launched crashed = Launched.run(temp, Map.of(), startOf(fakeJvm("echo 'no memory' >&2; exit 1"), SHIM));
        assertThat(crashed.code()).isEqualTo(1);
        assertThat(crashed.text()).isEmpty();
        assertThat(crashed.err()).isEqualTo("jshim: the daemon ended without an address: no memory\n");
    }

    @Test
    @DisplayName("hand every other command line to the JVM as it is")
    void others() throws IOException {
        DistTree tree = fakeJvm("for a; do shift; [ \"$a\" != -cp ] || break; done; shift; printf '%s,' \"$@\"");
        for (List<String> arguments : List.of(
                List.of("-v"),
                List.of("-info"),
                List.of("-nonsense", "start"),
                List.of("-id"),
                List.of("start", "-id", "x"),
                List.of("bridge", "a b"))) {
            var command = new ArrayList<>(List.of(tree.bin(SHIM).toString()));
            command.addAll(arguments);
            assertThat(Launched.run(temp, Map.of(), command).result())
                    .isEqualTo("dev.jshim.shim.Main," + String.join(",", arguments) + ",");
        }
    }

    private String versionOf(String program) {
        return Launched.run(temp, Map.of(), List.of(program, "-v")).result();
    }

    private DistTree fakeJvm(String script) throws IOException {
        Path home = Files.createTempDirectory(temp, "tree");
        return DistTree.built().scriptsWithJvm(home, script);
    }

    private static List<String> startOf(DistTree tree, String program) {
        return List.of(
                tree.bin(program).toString(),
                "-namespace",
                "n",
                "-address",
                "/run/a",
                "-publish-binary",
                "/bin/true",
                "-id",
                "one",
                "-bundle",
                "/b",
                "-debug",
                "start");
    }
}
