package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import com.google.protobuf.Empty;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Machine;
import dev.jshim.ctl.output.Screen;
import dev.jshim.node.process.ProcFs;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not the same on each machine, or has no shape to compare. */
@Timeout(60)
class CommandsTest {
    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));

    @BeforeEach
    void setUp() {
        node = new FakeNode(directory);
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    @Test
    void execPassesOnOutputAndStatus() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "exec", "web", "-e", "A=b", "--cwd", "/x", "ls", "/");
        assertThat(result.code()).isEqualTo(3);
        assertThat(result.err()).isEqualTo("err\n");
        var process = JsonParser.parseString(result.out()).getAsJsonObject();
        assertThat(process.get("args")).hasToString("[\"ls\",\"/\"]");
        assertThat(process.get("env")).hasToString("[\"A=b\"]");
        assertThat(process.get("cwd").getAsString()).isEqualTo("/x");
        // Not what is there besides: others on this machine have folders of their own meanwhile.
        assertThat(node.lastStdout.get().getParent())
                .hasParentRaw(Path.of("/run/jshim"))
                .doesNotExist();
    }

    @Test
    void whatFollowsTheCommandIsItsOwn() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "exec", "web", "-e", "A=b", "ls", "-n", "--help", "-e", "--", "-o=json");
        var process = JsonParser.parseString(result.out()).getAsJsonObject();
        assertThat(process.get("args")).hasToString("[\"ls\",\"-n\",\"--help\",\"-e\",\"--\",\"-o=json\"]");
        assertThat(process.get("terminal").getAsBoolean()).isFalse();
    }

    @Test
    void aTerminalForACommandMustBeOurs() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "exec", "-t", "web", "ls");
        assertThat(result.code()).isEqualTo(ExitCode.USAGE);
        assertThat(result.err()).contains("--tty needs a terminal, but stdin is not one", "-i passes on");
    }

    @Test
    void statsWithoutACallReadsTheCgroup() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "stats", "web", "-o", "json");
        assertThat(result.code()).isZero();
        var stats = JsonParser.parseString(result.out()).getAsJsonObject();
        assertThat(stats.get("source").getAsString()).isEqualTo("cgroup");
        assertThat(stats.keySet()).contains("memoryBytes", "cpuMillis", "processes", "metrics");
    }

    /** Its shim may name it until it is deleted, and by then the number may be another process'. */
    @Test
    void theInitOfAContainerThatHasEndedIsNoProcess() throws IOException {
        node.task("default", "done", Status.STOPPED);
        node.task("default", "web", Status.RUNNING);
        assertThat(Result.on(node, "pids", "web").out()).contains(Integer.toString(FakeNode.PID));
        var done = Result.on(node, "pids", "done");
        assertThat(done.code()).isZero();
        assertThat(done.out()).contains("PID").doesNotContain(Integer.toString(FakeNode.PID));
    }

    /** The cgroup on the host is not what the shim of a virtual machine has counted. */
    @Test
    void statsOfATypeThatIsUnknownAreNotReadFromTheCgroup() throws IOException {
        node.task("default", "vm", FakeNode.PID, new FakeTask(1, FakeNode.PID, Empty.getDefaultInstance()));
        var one = Result.on(node, "stats", "vm", "--sample", "1ms");
        assertThat(one.code()).isEqualTo(1);
        assertThat(one.err())
                .contains("default/vm: the shim's answer cannot be read: it has the type /google.protobuf.Empty");
        node.task("default", "web", Status.RUNNING);
        var all = Result.on(node, "stats", "--sample", "1ms");
        assertThat(all.code()).isEqualTo(3);
        assertThat(all.out()).containsPattern("vm +- +- ").containsPattern("web +[0-9]");
        assertThat(all.err()).contains("cannot be read");
    }

    /**
     * Those with this very process as their init are read from its cgroup; who has not begun or has ended is no row.
     */
    @Test
    void statsOfAllThatRun() throws IOException {
        node.task("default", "web", Status.RUNNING);
        node.task("default", "done", Status.STOPPED);
        node.task("default", "new", Status.CREATED);
        node.bundle("default", "left");
        assertThat(statsOfAll()).containsExactly("web cgroup");
        assertThat(Result.on(node, "stats", "-o", "name").out()).isEqualTo("default/web\n");
        var db = node.mute("k8s.io", "db");
        Files.writeString(db.resolve("init.pid"), Integer.toString(FakeNode.PID));
        node.patience("1s"); // nobody answers there
        assertThat(statsOfAll("-n", "k8s.io")).containsExactly("db cgroup");
    }

    /** This very process is the container's init, and keeps a processor busy meanwhile. */
    @Test
    void statsHaveTheRate() throws Exception {
        node.task("default", "web", Status.RUNNING);
        var ends = new AtomicBoolean();
        var busy = Thread.ofPlatform().start(() -> {
            while (!ends.get()) {
                Thread.onSpinWait();
            }
        });
        try {
            for (var words : List.of("stats web", "stats", "stats --watch --count 1")) {
                var path = words.contains("web") ? "{.cpuPercent}" : "{.tasks[0].cpuPercent}";
                var result = Result.on(node, with(words.split(" ", -1), "--sample", "500ms", "-o", "jsonpath=" + path));
                assertThat(Double.parseDouble(result.out().strip())).as(words).isPositive();
            }
        } finally {
            ends.set(true);
            busy.join();
        }
        assertThat(Result.on(node, "stats", "web", "--sample", "1ms").out())
                .containsPattern("MEMORY +LIMIT +MEM% +CPU% +CPU TIME +PROCESSES\n.*[KMGT]iB");
    }

    private List<String> statsOfAll(String... options) {
        var words = Stream.concat(Stream.of("stats", "--sample", "1ms", "-o", "json"), Stream.of(options));
        var result = Result.on(node, words.toArray(String[]::new));
        assertThat(result.code()).as(result.err()).isZero();
        var stats = JsonParser.parseString(result.out()).getAsJsonObject();
        assertThat(stats.getAsJsonArray("problems")).isEmpty();
        return stats.getAsJsonArray("tasks").asList().stream()
                .map(task -> task.getAsJsonObject().get("id").getAsString() + " "
                        + task.getAsJsonObject().get("source").getAsString())
                .toList();
    }

    @Test
    void checkNamesWhatBlocksTheUpgrade() throws IOException {
        node.task("default", "web", Status.RUNNING);
        node.mute("k8s.io", "db");
        var config = Files.writeString(directory.resolve("config.toml"), """
                version = 2
                [plugins.'io.containerd.runtime.v1.linux']
                  runtime = "/usr/bin/nvidia-container-runtime"
                [plugins.'io.containerd.grpc.v1.cri']
                  systemd_cgroup = true
                  [plugins.'io.containerd.grpc.v1.cri'.containerd]
                    default_runtime_name = "old"
                    [plugins.'io.containerd.grpc.v1.cri'.containerd.default_runtime]
                      runtime_type = ""
                      runtime_root = ""
                    [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.old]
                      runtime_type = "io.containerd.runtime.v1.linux"
                """);
        var result = Result.on(node, "check", "--config", config.toString(), "-o", "json");
        assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
        var findings = JsonParser.parseString(result.out()).getAsJsonObject().getAsJsonArray("findings");
        assertThat(findings)
                .extracting(finding ->
                        finding.getAsJsonObject().get("what").getAsString().replace(directory.toString(), ""))
                .contains(
                        "default/web runs on the v1 runtime, shim pid 0",
                        "k8s.io/db is mute: shim: mute for 3000 ms",
                        "/config.toml:2: plugins.io.containerd.runtime.v1.linux",
                        "/config.toml:5: plugins.io.containerd.grpc.v1.cri.systemd_cgroup",
                        "/config.toml:12: plugins.io.containerd.grpc.v1.cri.containerd.runtimes.old.runtime_type")
                .noneMatch(what -> what.contains("default_runtime"));
        node.patience("1s"); // what follows hangs on no answer
        var text = Result.on(node, "check", "--config", config.toString());
        assertThat(text.out()).contains("error: v1 container: default/web", "  why:   ", "  to do: adopt it");
    }

    @Test
    void checkOfAFileThatIsBroken() throws IOException {
        var config = Files.writeString(directory.resolve("config.toml"), "version = \n");
        var result = Result.on(node, "check", "--config", config.toString());
        assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(result.out()).contains("error: config: " + config);
        var none = Result.on(
                node, "check", "--config", directory.resolve("none.toml").toString());
        assertThat(none.code()).isEqualTo(ExitCode.FAILED);
        assertThat(none.err()).contains("no such file");
    }

    @Test
    void aBridgeThatDiesAgainAndAgainIsShown() throws IOException {
        keeper("waiting", "");
        var trouble = "the bridge dies again and again, 7 times so far, last by signal 9; its keeper waits before it"
                + " starts it again; see " + node.state.resolve("jshim/bridge.log");
        var ls = Result.on(node, "ls");
        assertThat(ls.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(ls.err().lines()).contains("jshimctl: " + trouble);
        assertThat(Result.on(node, "check").out()).contains("error: bridge: " + trouble);
        keeper("serving", "failed next\n");
        assertThat(Result.on(node, "ls").code()).isZero();
    }

    /** As this very process would write it, were it a keeper. */
    private void keeper(String state, String more) throws IOException {
        var start = Objects.requireNonNull(ProcFs.system().facts(FakeNode.PID))
                .ref()
                .startTicks();
        var file = Files.createDirectories(node.state.resolve("jshim")).resolve("keeper");
        Files.writeString(file, """
                keeper %d %d
                process 0 0
                state %s
                restarts 7
                last signal 9
                at 1764500000
                """.formatted(FakeNode.PID, start, state) + more);
    }

    @Test
    void cleanTouchesNothingOfALivingContainer() throws IOException {
        var web = node.task("default", "web", Status.RUNNING);
        var mute = node.mute("default", "db");
        node.patience("1s"); // that web lives is seen without its answer
        var orphan = node.bundle("default", "orphan");
        Files.writeString(orphan.resolve("init.pid"), Integer.toString(FakeNode.PID));
        assertThat(Result.on(node, "clean", "-n", "default", "--older-than", "1ms", "--yes")
                        .out()
                        .lines())
                .hasSize(1);
        assertThat(web).exists();
        assertThat(mute).exists();
        assertThat(orphan).exists();
    }

    @Test
    void cleanDeletesNothingOutOfARootfs() throws IOException {
        var dead = node.bundle("default", "dead");
        var file = Files.createDirectories(dead.resolve("rootfs/etc")).resolve("passwd");
        Files.writeString(file, "root");
        var result = Result.on(node, "clean", "-n", "default", "--older-than", "1ms", "--yes");
        assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(result.out()).contains("rootfs is not empty");
        assertThat(file).exists();
        assertThat(dead.resolve("config.json")).exists();
    }

    @Test
    void whatIsYoungIsPassedOver() throws IOException {
        node.bundle("default", "dead");
        assertThat(Result.on(node, "bundles", "-n", "default").code()).isZero();
        assertThat(Result.on(node, "bundles", "-n", "default", "--older-than", "1ms")
                        .code())
                .isEqualTo(ExitCode.FINDINGS);
    }

    @Test
    void yamlHasWhatJsonHas() throws IOException {
        node.task("default", "web", Status.RUNNING);
        assertThat(Result.on(node, "ls", "-o", "yaml").out())
                .startsWith("tasks:\n  - namespace: default\n    id: web\n    api: v1\n    bridged: false\n")
                .contains("    troubles: []\nproblems: []\n", "    command: \"sleep 1\\u001b[2J\"\n");
    }

    @ParameterizedTest
    @CsvSource({
        "version, 'java: ', {.java}",
        "bridge status, 'running: false', {.running}",
        "bridge verify, 'good: true', {.good}",
        "migrate status, 'bridgeRunning: false', {.bridgeRunning}",
        "migrate verify, 'good: ', {.good}",
        "migrate plan, 'plan:', {.plan}",
        "check, 'findings:', {.findings[0].level}",
        "ls, 'tasks:', {.tasks[*].id}",
        "top --count 1, 'shims:', {.shims}"
    })
    void everyResultIsWrittenAsYamlAndByATemplate(String command, String yaml, String template) throws IOException {
        node.task("default", "web", Status.RUNNING);
        var words = command.split(" ", -1);
        var asYaml = Result.on(node, with(words, "-o", "yaml"));
        assertThat(asYaml.out()).as(asYaml.err()).contains(yaml);
        var json = JsonParser.parseString(
                Result.on(node, with(words, "-o", "json")).out());
        assertThat(json.isJsonObject()).isTrue();
        var taken = Result.on(node, with(words, "-o", "jsonpath=" + template));
        assertThat(taken.err()).doesNotContain("no field");
        assertThat(taken.out().strip()).isNotEmpty().doesNotContain("\n");
    }

    private static String[] with(String[] words, String... more) {
        return Stream.concat(Stream.of(words), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void aTemplateIsCheckedBeforeAnythingIsDone() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var broken = Result.on(node, "kill", "web", "-o", "jsonpath={.id");
        assertThat(broken.code()).isEqualTo(ExitCode.USAGE);
        assertThat(broken.err()).contains("a brace or a bracket has no end");
        assertThat(node.lastSignal).hasValue(0);
        var misspelt = Result.on(node, "ls", "-o", "jsonpath={.tasks[*].ids}");
        assertThat(misspelt.err()).contains("there is no field \"ids\"");
        assertThat(misspelt.code()).isZero();
    }

    @Test
    void aPlanFitsAScreenOfAHundredColumns() throws IOException {
        node.task("k8s.io", "0123456789abcdef".repeat(4), Status.RUNNING);
        System.setProperty(Screen.PROPERTY, "24,100");
        try {
            var plan = Result.on(node, "migrate", "plan");
            var rows =
                    plan.out().replaceAll("\u001b\\[\\d+m", "").lines().limit(2).toList();
            assertThat(rows.getFirst()).contains("REACHABLE", "REASON").doesNotContain("ADDRESS");
            assertThat(rows).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
            assertThat(rows.getLast()).contains("k8s.io", "file").doesNotContain("unix:");
        } finally {
            System.clearProperty(Screen.PROPERTY);
        }
        assertThat(Result.on(node, "migrate", "plan", "-o", "wide").out()).contains("unix://" + node.state);
        assertThat(Result.on(node, "migrate", "plan", "-o", "name").out())
                .isEqualToNormalizingNewlines("k8s.io/" + "0123456789abcdef".repeat(4) + "\n");
    }

    @Test
    void whatIsPassedOnHasNoOtherForm() throws IOException {
        node.task("default", "web", Status.RUNNING);
        for (var words : List.of("-o json exec web ls", "completion bash -o yaml")) {
            var result = Result.on(node, words.split(" ", -1));
            assertThat(result.code()).isEqualTo(ExitCode.USAGE);
            assertThat(result.err()).contains("leave -o out");
        }
        assertThat(node.lastStdout).hasValue(null);
    }

    /**
     * One after the other the mute ones alone would take 50 s. On a machine that does nothing else it is done in less
     * than 3 s, which one that runs other tests cannot keep.
     */
    @Test
    void fiveHundredShimsAreAskedAtOnce() throws IOException {
        for (var i = 0; i < 450; i++) {
            node.task("default", "c" + i, Status.RUNNING);
        }
        for (var i = 0; i < 50; i++) {
            node.mute("default", "m" + i);
        }
        node.patience("1s");
        var start = System.nanoTime();
        var result = Result.on(node, "ls");
        var took = Duration.ofNanos(System.nanoTime() - start);
        System.out.println("jshimctl ls of 500 shims, 50 of them mute for 1 s: " + took.toMillis() + " ms");
        assertThat(result.out().lines()).hasSize(501);
        assertThat(result.out().lines().filter(line -> line.endsWith(" mute"))).hasSizeGreaterThanOrEqualTo(50);
        assertThat(took).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void watchIsTheSameAgain() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "ls", "--watch", "--interval", "1ms", "--count", "3");
        assertThat(result.code()).isZero();
        assertThat(result.out().lines().filter(line -> line.startsWith("NAMESPACE")))
                .hasSize(3);
    }

    @Test
    void filtersAndOrderGoForJsonToo() throws IOException {
        node.task("a", "web", Status.RUNNING);
        node.task("b", "old", Status.STOPPED);
        node.bundle("b", "left");
        assertThat(ids("--sort-by", "id")).containsExactly("left", "old", "web");
        assertThat(ids("--sort-by", "pid")).containsExactly("web", "old", "left");
        assertThat(ids("--filter", "status=running", "--filter", "status=stopped"))
                .containsExactly("web", "old");
        assertThat(ids("--filter", "status=running", "--filter", "namespace=b")).isEmpty();
        assertThat(ids("--filter", "pid=")).containsExactly("left");
        assertThat(ids("--filter", "bridged=false", "--filter", "troubles=shim: the socket is gone"))
                .containsExactly("left");
    }

    private List<String> ids(String... options) {
        var words = Stream.concat(Stream.of("ls", "-o", "json"), Stream.of(options));
        var tasks = JsonParser.parseString(
                        Result.on(node, words.toArray(String[]::new)).out())
                .getAsJsonObject()
                .getAsJsonArray("tasks");
        return tasks.asList().stream()
                .map(task -> task.getAsJsonObject().get("id").getAsString())
                .toList();
    }

    /** Another containerd's shim is on this machine, and what is left of one of ours. */
    @Test
    void notesCanBeSwitchedOff() throws IOException {
        node.bundle("default", "left");
        var proc = new FakeProc(directory.resolve("proc"));
        proc.process(
                4_700_301,
                1,
                1,
                "/",
                "containerd-shim",
                "-namespace",
                "moby",
                "-workdir",
                "/other/root/io.containerd.runtime.v1.linux/moby/x");
        var machine = new Machine(proc.read(), Machine.ours().host(), List.of());
        assertThat(Result.on(node, machine, "ls").err())
                .contains("default/left: shim: the socket is gone")
                .contains("belongs to another containerd: --root /other/root");
        assertThat(Result.on(node, machine, "ls", "--no-others").err())
                .contains("default/left: shim: the socket is gone")
                .doesNotContain("another containerd");
        assertThat(Result.on(node, machine, "ls", "-q")).isEqualTo(new Result(0, "left\n", ""));
        assertThat(Result.on(node, machine, "ls", "-q", "-o", "name")).isEqualTo(new Result(0, "default/left\n", ""));
    }

    @Test
    void onATerminalEachRoundHasItsTime() throws IOException {
        node.task("default", "web", Status.RUNNING);
        System.setProperty(Screen.PROPERTY, "24,100");
        try {
            var watch = new String[] {"ls", "--no-others", "--watch", "--interval", "1ms", "--count", "2"};
            var round =
                    "\u001b\\[H\u001b\\[J\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d [+-]\\d\\d:\\d\\d\nNAMESPACE[^\\e]*web[^H]*";
            assertThat(Result.on(node, watch).out()).matches("(" + round + "){2}");
            var json = Stream.concat(Stream.of("-o", "json"), Stream.of(watch)).toArray(String[]::new);
            assertThat(Result.on(node, json).out()).startsWith("\u001b[H\u001b[J{\n");
        } finally {
            System.clearProperty(Screen.PROPERTY);
        }
    }

    @Test
    void topHasNoRowForATaskWithoutAShim() throws IOException {
        node.task("default", "web", Status.RUNNING);
        assertThat(Result.on(node, "top", "--count", "1", "--sort", "memory", "-o", "json")
                        .out())
                .isEqualTo("{\n  \"shims\": []\n}\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh", "fish"})
    void completionKnowsAllCommands(String shell) {
        var script = Result.of("completion", shell);
        assertThat(script.code()).isZero();
        assertThat(script.out()).contains(Commands.names()).contains("escalate");
    }

    /** What the search for the word "help" goes by is what picocli has. */
    @Test
    void optionsWithAValueAreKnown() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        var names = CommandTree.commandLine(nowhere, nowhere).getCommandSpec().options().stream()
                .filter(option -> option.arity().max() > 0)
                .flatMap(option -> Stream.of(option.names()))
                .toList();
        assertThat(Globals.WITH_VALUE).containsExactlyInAnyOrderElementsOf(names);
    }

    @Test
    void aNameThatIsAlsoACommandIsStillAName() throws IOException {
        node.task("default", "ls", Status.RUNNING);
        assertThat(Result.on(node, "state", "ls").code()).isZero();
        assertThat(Result.on(node, "stat", "ls").err())
                .contains("unknown command \"stat\"", "did you mean state, stats");
    }
}
