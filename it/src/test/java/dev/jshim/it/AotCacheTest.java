package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The AOT cache")
class AotCacheTest {

    private static final Duration EMULATED = Duration.ofMinutes(4);

    @TempDir
    private Path temp;

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "containerd-shim-v2-oci, dev.jshim.shim.Main",
        "containerd-shim-v1-linux, dev.jshim.bridge.Main",
        "jshimctl, dev.jshim.ctl.Main"
    })
    @DisplayName("is in use after the tree was copied, for our own main class too")
    void survivesCopying(String program, String mainClass) {
        DistTree copy = DistTree.built().copyTo(temp.resolve("elsewhere"));
        for (String start : List.of("first", "second")) {
            assertThat(sourceOf(copy, program, mainClass)).as(start).contains("source: shared objects file");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "containerd-shim-v2-oci, shim-v2, shim",
        "containerd-shim-v1-linux, v1-bridge, bridge",
        "jshimctl, ctl, ctl"
    })
    @DisplayName("is left alone once a jar was rebuilt, even under the old jar's time")
    void rebuiltJarRunsNewClasses(String program, String module, String pack) throws IOException {
        DistTree copy = DistTree.built().copyTo(temp.resolve("tree"));
        version(copy, program);
        Path jar = copy.jar(module);
        FileTime time = Files.getLastModifiedTime(jar);

        Path rebuilt = rebuild(jar, pack, "new code");
        Files.write(jar, Files.readAllBytes(rebuilt));
        Files.setLastModifiedTime(jar, time);
        assertThat(version(copy, program)).isEqualTo("new code\n");

        Path again = rebuild(jar, pack, "code new");
        Files.setLastModifiedTime(again, time);
        Launched.run(temp, Map.of(), List.of("mv", again.toString(), jar.toString()))
                .result();
        assertThat(version(copy, program)).isEqualTo("code new\n");
        assertThat(version(copy, program)).as("the verdict that was remembered").isEqualTo("code new\n");
    }

    @Test
    @DisplayName("costs nothing but time when it is damaged or gone")
    void damagedCache() throws IOException {
        DistTree copy = DistTree.built().copyTo(temp.resolve("tree"));
        String expected = version(copy, "containerd-shim-v2-oci");
        try (var caches = Files.newDirectoryStream(copy.home().resolve("lib/aot"), "shim-*.aot")) {
            Path cache = caches.iterator().next();
            Files.write(cache, new byte[4096]);
            assertThat(version(copy, "containerd-shim-v2-oci")).isEqualTo(expected);
            Files.delete(cache);
            assertThat(version(copy, "containerd-shim-v2-oci")).isEqualTo(expected);
        }
    }

    @Test
    @DisplayName("is believed in for what nobody else can have written, whatever the umask was")
    void looseFiles() throws IOException {
        DistTree copy = DistTree.built().copyTo(temp.resolve("tree"));
        String program = "containerd-shim-v2-oci";
        Path proof = copy.home().resolve("lib/shim.proof");
        Files.deleteIfExists(proof);
        String expected = Launched.run(
                        temp, Map.of(), List.of("sh", "-c", "umask 0; exec " + copy.bin(program) + " -v"))
                .result();
        assertThat(Files.getPosixFilePermissions(proof)).isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));

        String honest = Files.readString(proof);
        Path marker = temp.resolve("was run");
        for (String forged : List.of(honest + "touch '" + marker + "'\n", "1" + honest.substring(1))) {
            Files.writeString(proof, forged);
            Files.setPosixFilePermissions(proof, PosixFilePermissions.fromString("rw-rw-rw-"));
            assertThat(version(copy, program)).isEqualTo(expected);
            assertThat(marker).doesNotExist();
            assertThat(proof).hasContent(honest);
            assertThat(Files.getPosixFilePermissions(proof)).isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));
        }

        for (String file : List.of("lib/aot/" + cacheOf(copy), "lib/shim.sha256")) {
            Path trusted = copy.home().resolve(file);
            Files.setPosixFilePermissions(trusted, PosixFilePermissions.fromString("rw-rw-rw-"));
            assertThat(sourceOf(copy, program, "dev.jshim.shim.Main")).as(file).doesNotContain("shared objects");
            Files.setPosixFilePermissions(trusted, PosixFilePermissions.fromString("rw-r--r--"));
        }
        assertThat(sourceOf(copy, program, "dev.jshim.shim.Main")).contains("shared objects");
    }

    private static Path cacheOf(DistTree tree) throws IOException {
        try (var caches = Files.newDirectoryStream(tree.home().resolve("lib/aot"), "shim-*.aot")) {
            return caches.iterator().next().getFileName();
        }
    }

    /**
     * JDK 25 puts machine code into a cache and never looks whether another processor knows it: its JVM dies of SIGILL.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "containerd-shim-v2-oci, -v, dev.jshim.shim.Main",
        "containerd-shim-v1-linux, -v, dev.jshim.bridge.Main",
        "jshimctl, --version, dev.jshim.ctl.Main"
    })
    @EnabledIfSystemProperty(
            named = "jshim.test.all",
            matches = "true",
            disabledReason = "an emulated processor is slow")
    @DisplayName("is good for a processor that knows less than the one it was made on")
    void lesserProcessor(String program, String flag, String mainClass) throws IOException {
        DistTree copy = DistTree.built().copyTo(temp.resolve("tree"));
        Path java = copy.home().resolve("lib/jvm/bin/java");
        Files.move(java, java.resolveSibling("java.real"));
        Files.writeString(java, "#!/bin/sh\nexec qemu-x86_64 -cpu Nehalem \"$0.real\" \"$@\"\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Path log = temp.resolve("classes.log");

        Outcome outcome = Run.of(List.of(copy.bin(program).toString(), flag))
                .variables(Map.of("JSHIM_JAVA_OPTS", "-Xlog:class+load:file=" + log))
                .within(EMULATED)
                .run()
                .ok();

        assertThat(outcome.out()).isNotEmpty();
        assertThat(Files.readAllLines(log))
                .anyMatch(line -> line.contains(" " + mainClass + " source: shared objects"));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"containerd-shim-v2-oci, -v", "containerd-shim-v1-linux, -v", "jshimctl, --version"})
    @DisplayName("was made where the tree stands: no start looks for jars elsewhere")
    void madeInPlace(String program, String flag) throws IOException {
        assertThat(vainLooks(DistTree.built(), program, flag)).isZero();
    }

    @Test
    @EnabledIfSystemProperty(
            named = "jshim.test.all",
            matches = "true",
            disabledReason = "six training runs take half a minute")
    @DisplayName("is made again by settle.sh in a tree that was moved")
    void settles() throws IOException {
        DistTree copy = DistTree.built().copyTo(temp.resolve("here"));
        settle(copy);
        Files.move(copy.home(), temp.resolve("there"));
        DistTree moved = new DistTree(temp.resolve("there"));
        assertThat(vainLooks(moved, "jshimctl", "--version")).isGreaterThan(10);
        settle(moved);
        assertThat(vainLooks(moved, "jshimctl", "--version")).isZero();
        assertThat(vainLooks(moved, "containerd-shim-v2-oci", "-v")).isZero();
        assertThat(sourceOf(moved, "containerd-shim-v2-oci", "dev.jshim.shim.Main"))
                .contains("source: shared objects file");
    }

    @Test
    @DisplayName("is made with no file whose name others could foresee, or that they may write")
    void training() throws IOException {
        DistTree built = DistTree.built();
        DistTree tree = built.scriptsWithJvm(Files.createDirectory(temp.resolve("tree")), """
                for word; do
                    case $word in
                    -XX:AOTCacheOutput=*) ls "$TMPDIR" >>"$TMPDIR.seen" && echo cache >"${word#*=}" ;;
                    esac
                done
                """);
        Path lib = tree.home().resolve("lib");
        Path caches = Files.createDirectory(lib.resolve("aot"));
        for (String component : List.of("shim", "bridge", "ctl")) {
            String sums = component + ".sha256";
            Files.copy(built.home().resolve("lib").resolve(sums), lib.resolve(sums));
        }
        Path folder = Files.createDirectory(temp.resolve("tmp"));

        Launched.run(
                        temp,
                        Map.of("TMPDIR", folder.toString()),
                        List.of("sh", "-c", "umask 0; exec " + lib.resolve("sh/settle.sh")))
                .result();

        assertThat(Files.readAllLines(temp.resolve("tmp.seen")))
                .as("what lies in /tmp at each of three times")
                .hasSize(3)
                .allMatch(name -> name.matches("tmp\\.\\w+"));
        assertThat(folder).isEmptyDirectory();
        try (var made = Files.list(caches)) {
            assertThat(made.toList())
                    .hasSize(4)
                    .allSatisfy(cache -> assertThat(Files.getPosixFilePermissions(cache))
                            .isEqualTo(PosixFilePermissions.fromString("rw-r--r--")));
        }
    }

    private void settle(DistTree tree) {
        Launched.run(
                        temp,
                        Map.of(),
                        List.of(tree.home().resolve("lib/sh/settle.sh").toString()))
                .result();
    }

    /** How often the JVM looks for a jar of the cache in a place that does not exist: an exception each time. */
    private long vainLooks(DistTree tree, String program, String flag) throws IOException {
        Path log = temp.resolve("exceptions.log");
        var options = Map.of("JSHIM_JAVA_OPTS", "-Xlog:exceptions=info:file=" + log);
        Launched.run(temp, options, List.of(tree.bin(program).toString(), flag)).result();
        assertThat(log).as("a JVM's log").exists();
        try (var lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("'toFileURL'")).count();
        }
    }

    @Test
    @DisplayName("has all classes that jshimctl ls needs")
    void lsReadsNoJar() throws IOException {
        Path log = temp.resolve("ls.log");
        var options = Map.of("JSHIM_JAVA_OPTS", "-Xlog:class+load:file=" + log);
        String empty = Files.createDirectory(temp.resolve("empty")).toString();
        List<String> ls = List.of(DistTree.built().bin("jshimctl").toString(), "--root", empty, "--state", empty, "ls");
        // Not without a word: it names other containerds that it sees on the machine, and what listens for none.
        assertThat(Launched.run(temp, options, ls).code()).isZero();
        assertThat(Files.readAllLines(log))
                .anyMatch(line -> line.contains(" picocli.CommandLine source: shared objects file"))
                .noneMatch(line -> line.contains("source: file:"));
    }

    private String sourceOf(DistTree tree, String program, String mainClass) {
        Path log = temp.resolve("classes.log");
        var options = Map.of("JSHIM_JAVA_OPTS", "-Xlog:class+load:file=" + log);
        Launched.run(temp, options, List.of(tree.bin(program).toString(), "aot-train"))
                .result();
        try {
            return Files.readAllLines(log).stream()
                    .filter(line -> line.contains(" " + mainClass + " "))
                    .findFirst()
                    .orElse("not loaded");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String version(DistTree tree, String program) {
        String flag = program.equals("jshimctl") ? "--version" : "-v";
        return Launched.run(temp, Map.of(), List.of(tree.bin(program).toString(), flag))
                .result();
    }

    /** The jar with another main class, which prints the given words. */
    private Path rebuild(Path jar, String pack, String words) throws IOException {
        Path source = temp.resolve("Main.java");
        Files.writeString(source, """
                package dev.jshim.%s;
                public final class Main {
                    public static void main(String[] args) {
                        System.out.println("%s");
                    }
                }
                """.formatted(pack, words));
        int code = ToolProvider.getSystemJavaCompiler().run(null, null, null, "-d", temp.toString(), source.toString());
        assertThat(code).isZero();
        Path result = temp.resolve("rebuilt.jar");
        Files.write(result, Files.readAllBytes(jar));
        String name = "dev/jshim/" + pack + "/Main.class";
        try (var files = FileSystems.newFileSystem(result)) {
            Files.write(files.getPath(name), Files.readAllBytes(temp.resolve(name)));
        }
        return result;
    }
}
