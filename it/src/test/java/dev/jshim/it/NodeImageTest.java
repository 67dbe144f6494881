package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.ImageSpec;
import dev.jshim.proto.cri.KeyValue;
import dev.jshim.proto.cri.LinuxSandboxSecurityContext;
import dev.jshim.proto.cri.Mount;
import dev.jshim.proto.cri.NamespaceMode;
import dev.jshim.proto.cri.NamespaceOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The image that installs jshim on a node: imported by {@code ctr}, its installer run with all privileges in the
 * machine's namespaces, as its manifests have it, on folders of the test's own; with pods and containers alive from
 * before it until after it. {@code -Djshim.image=FILE} takes that one in place of making it.
 */
@LongRun
@SuppressWarnings("NullAway.Init") // Set before the test.
class NodeImageTest {
    private static final String IMAGE = "localhost/jshim-node:0.1.0";
    private static final String RUNC = "io.containerd.runc.v2";
    private static final String HANDLER = "installed";
    private static final String FOREIGN =
            "[plugins.'io.containerd.cri.v1.runtime']\n  max_container_log_line_size = 4242\n";
    private static final Duration LIMIT = Duration.ofMinutes(15);
    private static final Duration QUIET = Duration.ofSeconds(60);

    private final Map<String, String> variables = new TreeMap<>();
    private CriLock lock;
    private PrivateContainerd node;
    private Cri cri;
    private Path home;
    private Path imports;
    private Path dropIn;
    private Path mark;
    private int runs;

    @BeforeEach
    void start() throws IOException {
        lock = CriLock.take();
        CriConfig pods = new CriConfig();
        node = PrivateContainerd.create(
                Release.V2, (release, of) -> "imports = ['" + of.dir() + "/conf.d/*.toml']\n" + pods.text(release, of));
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=3");
        home = node.dir().resolve("opt/jshim");
        imports = node.dir().resolve("conf.d");
        dropIn = imports.resolve("jshim.toml");
        mark = node.dir().resolve("restart");
        Files.createDirectory(imports);
        Files.writeString(imports.resolve("other.toml"), "version = 3\n" + FOREIGN);
        // The first process of a test's machine may have more privileges than a test, which may not look at it then.
        variables.put("JSHIM_PROCESS", Long.toString(ProcessHandle.current().pid()));
        variables.putAll(Map.of(
                "JSHIM_PREFIX", home.toString(),
                "JSHIM_DROP_IN", dropIn.toString(),
                "JSHIM_CONFIG", node.dir().resolve("config.toml").toString(),
                "JSHIM_CONTAINERD", Release.V2.daemon().toString(),
                "JSHIM_HANDLER", HANDLER,
                "JSHIM_STATE", node.state().toString(),
                "JSHIM_OPTIONS", "--root " + node.root() + " --state " + node.state() + " --address " + node.socket(),
                "JSHIM_TEXTFILE", node.dir().resolve("textfile/jshim.prom").toString(),
                // The test restarts it meanwhile.
                "JSHIM_RESTART", "touch " + mark + " && while [ -e " + mark + " ]; do sleep 0.1; done"));
        startDaemon();
        node.ctrIn("k8s.io", "images", "import", "--local", image().toString()).ok();
        node.ctrIn(
                        "k8s.io",
                        "images",
                        "import",
                        Image.archive(node.dir().resolve("image")).toString())
                .ok();
        cri.awaitImage(Image.NAME);
        cri.awaitImage(Image.PAUSE);
        cri.awaitImage(IMAGE);
    }

    private void startDaemon() {
        node.start();
        cri = node.attach(new Cri(node));
        cri.awaitReady();
    }

    private static Path image() {
        String given = System.getProperty("jshim.image", "");
        if (!given.isEmpty()) {
            return Path.of(given);
        }
        Path repository = Path.of(System.getProperty("jshim.repository", ".."))
                .toAbsolutePath()
                .normalize();
        String made = Run.of(List.of(repository.resolve("dev").toString(), "image"))
                .variables(Map.of("JAVA_HOME", System.getProperty("java.home")))
                .within(LIMIT)
                .run()
                .ok()
                .out();
        return repository.resolve(made);
    }

    @AfterEach
    void nothingIsLeft() {
        try (var _ = lock) {
            node.close();
        }
    }

    /** Of one run of the installer. */
    private record Told(int code, String log) {
        Told expect(int expected) {
            assertThat(code).as(log).isEqualTo(expected);
            return this;
        }
    }

    /**
     * Runs it as the manifests do; if it restarts containerd, that is done.
     *
     * @param archive in place of the image's own; null for that
     */
    private Told run(String action, @Nullable Path archive) throws IOException {
        NamespaceOption namespaces = NamespaceOption.newBuilder()
                .setNetwork(NamespaceMode.NODE)
                .setPid(NamespaceMode.NODE)
                .build();
        Pod pod = cri.runPod(
                action + runs++,
                LinuxSandboxSecurityContext.newBuilder().setPrivileged(true).setNamespaceOptions(namespaces),
                "runc");
        ContainerConfig.Builder config = Cri.container(pod, action, 0, "/bin/busybox", "sh", "/jshim/entry.sh", action)
                .setImage(ImageSpec.newBuilder().setImage(IMAGE));
        config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
        variables.forEach((name, value) ->
                config.addEnvs(KeyValue.newBuilder().setKey(name).setValue(value)));
        if (archive != null) {
            config.addMounts(Mount.newBuilder()
                    .setHostPath(archive.toString())
                    .setContainerPath("/jshim/jshim.tar.gz")
                    .setReadonly(true));
        }
        String id = cri.start(pod, config);
        Wait.until(Duration.ofMinutes(5), action + " ends", () -> {
            if (Files.exists(mark)) {
                restart();
            }
            return cri.status(id).getState() == ContainerState.CONTAINER_EXITED;
        });
        int code = cri.status(id).getExitCode();
        String log = String.join("\n", pod.log(action, 0).lines());
        cri.remove(id);
        cri.remove(pod);
        return new Told(code, log);
    }

    private void restart() {
        node.stop();
        startDaemon();
        try {
            Files.delete(mark);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        restarts++;
    }

    private int restarts;

    /** What is in a folder, to its depth, with the text of small files: what others have there is nobody's business. */
    private static Map<String, String> content(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            Map<String, String> out = new TreeMap<>();
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                out.put(folder.relativize(file).toString(), Files.readString(file));
            }
            return out;
        }
    }

    private List<String> trees() throws IOException {
        try (Stream<Path> all = Files.list(home)) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("tree-"))
                    .toList();
        }
    }

    /** The same tree, packed in another way: to the installer another version. */
    private Path otherArchive() {
        Path file = node.dir().resolve("other.tar.gz");
        Run.of(List.of(
                        "tar",
                        "-C",
                        Product.home().toString(),
                        "--exclude=*.proof*",
                        "-I",
                        "gzip -1",
                        "-cf",
                        file.toString(),
                        "."))
                .within(LIMIT)
                .run()
                .ok();
        return file;
    }

    private ProcessFacts init(String id) {
        return ProcessFacts.of(
                Tasks.parse(node.ctrIn("k8s.io", "task", "ls").ok().out())
                        .get(id)
                        .pid());
    }

    @Test
    void installedUsedUpgradedAndRemoved() throws IOException {
        Pod before = cri.runPod("before", NamespaceMode.NODE, "runc");
        String one = cri.start(before, Cri.container(before, "one", 0, "/bin/sleep", "1000000"));
        node.ctr(
                        "run",
                        "-d",
                        "--runtime",
                        RUNC,
                        "--rootfs",
                        node.rootfs().toString(),
                        "bystander",
                        "/bin/sleep",
                        "1000000")
                .ok();
        ProcessFacts sandbox = init(before.id());
        ProcessFacts container = init(one);
        ProcessFacts bystander = node.init("bystander");
        Map<String, String> imported = content(imports);
        String configured = Files.readString(node.dir().resolve("config.toml"));

        assertThat(run("check", null).expect(1).log()).contains("jshim is not installed in " + home);
        refuses();
        assertThat(content(imports)).isEqualTo(imported);

        runKilledAtTheRestart("install");
        assertThat(dropIn).content().contains("# Not in use yet");
        Told installed = run("install", null).expect(0);
        assertThat(dropIn).content().doesNotContain("# Not in use yet");
        assertThat(installed.log()).contains("is installed in " + home, "the handler installed is in " + dropIn);
        assertThat(restarts).isEqualTo(1);
        assertThat(trees()).hasSize(1);
        run("install", null).expect(0);
        assertThat(restarts).as("nothing has changed").isEqualTo(1);
        assertThat(trees()).hasSize(1);
        run("check", null).expect(0);

        Pod ours = cri.runPod("ours", NamespaceMode.NODE, HANDLER);
        String two = cri.start(ours, Cri.container(ours, "two", 0, "/bin/sleep", "1000000"));
        ProcessFacts inOurs = init(two);
        String tree = trees().getFirst();
        assertThat(programsOf(tree))
                .as("its shim runs out of what was installed")
                .isNotEmpty();
        assertThat(run("check", null).expect(0).log()).startsWith("ready for containerd 2.x");
        assertThat(Files.readString(node.dir().resolve("textfile/jshim.prom")))
                .contains(
                        "jshim_tasks{api=\"v3\",health=\"ok\"} ",
                        "jshim_jvms{program=\"shim\",state=\"serving\"} 1.0\n");

        Told upgraded = run("install", otherArchive()).expect(0);
        assertThat(restarts).as(upgraded.log()).isEqualTo(1);
        assertThat(trees())
                .as("of the old one nothing runs any more")
                .hasSize(1)
                .doesNotContain(tree);
        assertThat(programsOf(tree)).isEmpty();
        assertThat(programsOf(trees().getFirst())).isNotEmpty();
        assertThat(init(two)).isEqualTo(inOurs).matches(ProcessFacts::alive, "lives");
        assertThat(cri.execSync(two, "/bin/echo", "here").getStdout().toStringUtf8())
                .isEqualTo("here\n");

        // As an installation leaves it that was killed once it had turned the link.
        List<Long> jvms = jvms();
        Files.createFile(home.resolve(".replace"));
        run("install", null).expect(0);
        assertThat(jvms()).isNotEmpty().doesNotContainAnyElementsOf(jvms);
        assertThat(home.resolve(".replace")).doesNotExist();
        assertThat(restarts).isEqualTo(1);

        Told refused = run("uninstall", null).expect(1);
        assertThat(refused.log()).contains("jshim is in use and stays", "the keeper of a bridge or shim");
        assertThat(trees()).hasSize(1);
        assertThat(dropIn).exists();

        cri.stop(two, 0);
        cri.remove(two);
        cri.remove(ours);
        Wait.until(QUIET, "the shim ends", () -> programsOf("tree-").isEmpty());
        runKilledAtTheRestart("uninstall");
        run("uninstall", null).expect(0);
        assertThat(restarts).isEqualTo(2);
        assertThat(home).doesNotExist();
        assertThat(content(imports)).isEqualTo(imported);
        assertThat(node.dir().resolve("textfile/jshim.prom")).doesNotExist();
        assertThat(Files.readString(node.dir().resolve("config.toml"))).isEqualTo(configured);

        assertThat(init(before.id())).isEqualTo(sandbox).matches(ProcessFacts::alive, "lives");
        assertThat(init(one)).isEqualTo(container).matches(ProcessFacts::alive, "lives");
        assertThat(node.init("bystander")).isEqualTo(bystander).matches(ProcessFacts::alive, "lives");
        cri.stop(one, 0);
        cri.remove(one);
        cri.remove(before);
        node.remove("bystander");
        node.finish(QUIET);
    }

    /** kill -9 of the script that would restart containerd. */
    private void runKilledAtTheRestart(String action) throws IOException {
        String restart = variables.put("JSHIM_RESTART", "kill -9 $PPID");
        assertThat(run(action, null).code()).isNotZero();
        variables.put("JSHIM_RESTART", Objects.requireNonNull(restart));
    }

    /** The JVMs that run out of what was installed. */
    private List<Long> jvms() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            return all.filter(path -> path.getFileName().toString().matches("\\d+"))
                    .filter(path -> program(path).startsWith(home + "/")
                            && program(path).endsWith("/java"))
                    .map(path -> Long.valueOf(path.getFileName().toString()))
                    .toList();
        }
    }

    /** Where the handler cannot be had containerd's configuration stays as it is. The tree is there all the same. */
    private void refuses() throws IOException {
        // 1.x would lose the rest of CRI's section.
        String program = variables.put("JSHIM_CONTAINERD", Release.V1_7.daemon().toString());
        assertThat(run("install", null).expect(0).log()).contains("that takes containerd 2.x, and this is");
        variables.put("JSHIM_CONTAINERD", program);

        String config =
                variables.put("JSHIM_CONFIG", node.dir().resolve("alone.toml").toString());
        Files.writeString(node.dir().resolve("alone.toml"), "version = 3\n");
        assertThat(run("install", null).expect(1).log()).contains("Add it to imports of");
        variables.put("JSHIM_CONFIG", config);

        // What it would take away is not only its own.
        Files.writeString(dropIn, "version = 3\n");
        assertThat(run("install", null).expect(1).log()).contains("is somebody else's file");
        Files.delete(dropIn);
        assertThat(restarts).isZero();
    }

    /** The processes that run a program of such a tree. */
    private List<String> programsOf(String tree) {
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            return all.filter(path -> path.getFileName().toString().matches("\\d+"))
                    .map(NodeImageTest::program)
                    .filter(program -> program.startsWith(home.resolve(tree).toString()))
                    .collect(Collectors.toList());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String program(Path process) {
        try {
            return Files.readSymbolicLink(process.resolve("exe")).toString();
        } catch (IOException e) {
            return ""; // it has ended
        }
    }
}
