package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.task.Signals;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class MainTest {
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
    void lsOfNothing() {
        var result = Result.on(node, "ls");
        assertThat(result.code()).isZero();
        assertThat(result.out()).isEqualTo("NAMESPACE  ID  API  RUNTIME  STATUS  PID  SHIM  SOCKET  ANSWER  HEALTH\n");
        assertThat(notes(result)).isEmpty();
    }

    /** On stderr, but for what is said of shims of others that this machine may have. */
    private static String notes(Result result) {
        return result.err()
                .lines()
                .filter(line -> !line.contains("another containerd"))
                .collect(Collectors.joining("\n"));
    }

    @Test
    void lsAsTable() throws IOException {
        node.task("default", "web", Status.RUNNING);
        node.mute("k8s.io", "db");
        Files.delete(node.bundle("k8s.io", "left").resolve("config.json"));
        var result = Result.on(node, "ls");
        assertThat(result.code()).isZero();
        assertThat(result.out().replaceAll("\\d+\\.\\d+ ms", "N ms  ").lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "NAMESPACE ID API RUNTIME STATUS PID SHIM SOCKET ANSWER HEALTH",
                        "default web v1 io.containerd.runtime.v1.linux running " + FakeNode.PID + " - file N ms ok",
                        "k8s.io db v1 io.containerd.runtime.v1.linux unknown - - file mute mute",
                        "k8s.io left v1 io.containerd.runtime.v1.linux unknown - - file absent leaked");
        assertThat(notes(result) + "\n").isEqualTo("""
                        jshimctl: k8s.io/db: shim: mute for 3000 ms
                        jshimctl: k8s.io/left: config.json is missing
                        jshimctl: k8s.io/left: shim: the socket is gone
                        """);
    }

    @Test
    void lsAsJson() throws IOException {
        node.task("default", "web", Status.PAUSED);
        var result = Result.on(node, "-o", "json", "ls", "-n", "default");
        // Whatever other containerds the machine has.
        var own = result.out().replaceAll("(?s),\\s*\"strays\": \\[\\],\\s*\"others\": \\[.*\\]\\s*}\\s*$", "\n}\n");
        assertThat(own.replaceAll("Millis\": \\d+\\.\\d+", "Millis\": N"))
                .isEqualTo("""
                        {
                          "tasks": [
                            {
                              "namespace": "default",
                              "id": "web",
                              "api": "v1",
                              "bridged": false,
                              "runtime": "io.containerd.runtime.v1.linux",
                              "status": "paused",
                              "pid": %1$d,
                              "shimPid": null,
                              "socketKind": "file",
                              "answer": "ok",
                              "answerMillis": N,
                              "answerError": null,
                              "health": "ok",
                              "podNamespace": null,
                              "pod": null,
                              "container": null,
                              "address": "unix://%2$s/s0",
                              "bundle": "%2$s/io.containerd.runtime.v1.linux/default/web",
                              "command": "sleep 1\\u001b[2J",
                              "troubles": []
                            }
                          ],
                          "problems": []
                        }
                        """.formatted(FakeNode.PID, node.state));
        assertThat(result.err()).isEmpty();
    }

    @Test
    void namespaceIsASelection() throws IOException {
        node.bundle("a", "one");
        node.bundle("b", "two");
        assertThat(Result.on(node, "ls", "-n", "b").out()).contains("two").doesNotContain("one");
        assertThat(Result.on(node, "-n", "a", "ls").out()).contains("one").doesNotContain("two");
    }

    @Test
    void inspect() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "inspect", "we");
        assertThat(result.code()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .contains("sleep 1?[2J", "config.json  file", "/run/no-fifo", "exists: false")
                .contains("listening: true", "startedAt:", "no containerd answers on " + node.state)
                .doesNotContain("\u001b", "null");
        var json = JsonParser.parseString(
                        Result.on(node, "inspect", "web", "-o", "json").out())
                .getAsJsonObject();
        assertThat(json.keySet())
                .containsExactly(
                        "task",
                        "differences",
                        "bundle",
                        "bridgeBundle",
                        "config",
                        "stateByShim",
                        "stateByBridge",
                        "stateByRuntime",
                        "init",
                        "shim",
                        "keeper",
                        "jvm",
                        "socket",
                        "bridgeSocket",
                        "stdio",
                        "execs",
                        "cgroups",
                        "namespaces",
                        "mounts",
                        "record");
        assertThat(json.getAsJsonObject("init").get("pid").getAsInt()).isEqualTo(FakeNode.PID);
        assertThat(json.getAsJsonObject("socket").get("mode").getAsString()).matches("0[0-7]{3}");
    }

    @Test
    void inspectOfAMuteShimShowsTheRest() throws IOException {
        node.mute("default", "db");
        node.patience("1s");
        var result = Result.on(node, "inspect", "db");
        assertThat(result.code()).isZero();
        assertThat(result.out()).contains("error: mute for 1000 ms", "config.json  file");
    }

    @Test
    void pids() throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = Result.on(node, "pids", "web");
        assertThat(result.code()).isZero();
        assertThat(result.out().lines().map(line -> line.replaceAll(" +", " ")))
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo("PID EXEC STATE COMMAND"),
                        line -> assertThat(line)
                                .startsWith(FakeNode.PID + " - ")
                                .contains("java"));
        // The shim has named another, which has ended since.
        assertThat(Result.on(node, "pids", "web", "-o", "json").out())
                .contains("\"pid\": " + FakeNode.PID)
                .doesNotContain(Integer.toString(Integer.MAX_VALUE));
    }

    @ParameterizedTest
    @CsvSource({"--root, ls", "--state, ls", "--state, pids web", "--root, bundles", "--state, migrate plan"})
    void aNamedDirectoryThatIsNotThere(String option, String command) throws IOException {
        node.task("default", "web", Status.RUNNING);
        var root = option.equals("--root") ? node.root.resolve("none") : node.root;
        var state = option.equals("--state") ? node.state.resolve("none") : node.state;
        var result = Result.of(("--root " + root + " --state " + state + " " + command).split(" ", -1));
        assertThat(result.code()).isEqualTo(ExitCode.USAGE);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains(option + " ", "/none: no such directory", "leave " + option);
    }

    @ParameterizedTest
    @CsvSource({"-s TERM, 15", "-s SIGKILL, 9", "--signal=hup, 1", "-s 15, 15", "'', 15"})
    void kill(String option, int number) throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = option.isEmpty()
                ? Result.on(node, "kill", "web")
                : Result.on(node, ("kill web " + option).split(" ", -1));
        assertThat(result.code()).isZero();
        assertThat(result.out()).isEqualTo("sent " + Signals.name(number) + " to default/web\n");
        assertThat(node.lastSignal).hasValue(number);
    }

    @Test
    void killOfWhatCannotBeKilled() throws IOException {
        node.task("default", "done", Status.STOPPED);
        node.bundle("default", "gone");
        assertThat(Result.on(node, "kill", "done")).satisfies(result -> {
            assertThat(result.code()).isEqualTo(ExitCode.FAILED);
            assertThat(result.err()).startsWith("jshimctl: default/done has already exited, with status 7\n");
        });
        node.mute("default", "mute");
        node.patience("1s");
        assertThat(Result.on(node, "kill", "mute").err())
                .startsWith("jshimctl: the shim of default/mute did not answer within 1000 ms\n");
        assertThat(Result.on(node, "kill", "gone").err())
                .startsWith("jshimctl: default/gone has no shim that could be called: the socket is gone\n");
        assertThat(Result.on(node, "pids", "gone").err())
                .startsWith("jshimctl: default/gone has no shim that could be called: the socket is gone\n");
    }

    @Test
    void idsInTwoNamespacesAndPrefixes() throws IOException {
        node.task("a", "web", Status.RUNNING);
        node.task("b", "web", Status.RUNNING);
        node.bundle("b", "web-2");
        node.bundle("b", "db-1");
        assertThat(Result.on(node, "kill", "web")).satisfies(result -> {
            assertThat(result.code()).isEqualTo(ExitCode.USAGE);
            assertThat(result.err()).isEqualTo("""
                            jshimctl: the id "web" is in more than one namespace: a/web, b/web
                              choose one: -n a or -n b
                            """);
        });
        assertThat(node.lastSignal).hasValue(0);
        assertThat(Result.on(node, "kill", "web", "-n", "b").code()).isZero();
        assertThat(Result.on(node, "inspect", "db").code()).isZero();
        assertThat(Result.on(node, "inspect", "we", "-n", "b").err())
                .startsWith("jshimctl: \"we\" is a prefix of more than one id: b/web, b/web-2\n");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "inspect wbe            | 1 | no task \"wbe\" below                          | did you mean web?",
                "inspect nothing        | 1 | no task \"nothing\" below                      | \"jshimctl ls\" lists all tasks",
                "inspect web -n other   | 1 | no task \"web\" in namespace other below       | lists all tasks",
                "inspect a//web         | 2 | \"a//web\" cannot be a container's id          | give POD/CONTAINER",
                "inspect ..             | 2 | \"..\" cannot be a container's id              | an id has letters",
                "kill a..b              | 2 | \"a..b\" cannot be a container's id            | an id has letters",
                "inspect                | 2 | Missing required parameter: 'ID'              | \"jshimctl inspect --help\"",
                "pids web db            | 2 | \"db\" is an extra argument                   | \"jshimctl pids --help\"",
                "kill web -s TREM       | 2 | unknown signal \"TREM\"                        | did you mean SIGTERM?",
                "kill web -s 0          | 2 | unknown signal \"0\"                           | from 1 to 64",
                "kill web -s 65         | 2 | unknown signal \"65\"                          | from 1 to 64",
                "lss                    | 2 | unknown command \"lss\"                        | did you mean ls?",
                "frobnicate             | 2 | unknown command \"frobnicate\"                 | \"jshimctl --help\"",
                "ls --nmaespace x       | 2 | unknown option --nmaespace                    | did you mean --namespace?",
                "ls -o xml              | 2 | expected one of [table, wide, name, json, yaml] or custom-columns=HEADING:field,... | \"jshimctl ls --help\"",
                "ls -o custom-columns=ID | 2 | 'ID' is not a column; write it as HEADING:field | \"jshimctl ls --help\"",
                "ls -o custom-columns=  | 2 | '' is not a column                            | \"jshimctl ls --help\"",
                "ls -o custom-columns=A:healht | 2 | -o custom-columns: there is no field \"healht\" | did you mean health? the fields are namespace, id,",
                "ls --filter healht=ok  | 2 | --filter: there is no field \"healht\"          | did you mean health? the fields are namespace, id,",
                "ls --filter status=runing | 2 | --filter status: it is never \"runing\"   | it is one of unknown, created, running,",
                "clean -o name          | 2 | the rows of this list have no names           | -o custom-columns",
                "ls --filter health     | 2 | --filter health is not of the form FIELD=VALUE              | status=running",
                "ls --sort-by STATUS    | 2 | --sort-by: there is no field \"STATUS\"         | the fields are namespace, id,",
                "state web -o name      | 2 | -o name and -o custom-columns work only for lists | \"jshimctl state --help\"",
                "stats -o custom-columns=A:metrics | 2 | there is no field \"metrics\"        | the fields are namespace, id,",
                "stats web db           | 2 | \"db\" is an extra argument                   | \"jshimctl stats --help\"",
                "kill web -o name       | 2 | -o name and -o custom-columns work only for lists | \"jshimctl kill --help\"",
                "inspect web -o custom-columns=A:id | 2 | work only for lists              | \"jshimctl inspect --help\"",
                "clean --yes -o custom-columns=A:x | 2 | there is no field \"x\"             | the fields are kind, namespace,",
                "top -o name            | 2 | the rows of this list have no names           | -o custom-columns",
                "migrate -o name        | 2 | Missing required subcommand                   | \"jshimctl migrate --help\"",
                "ls --timeout 5         | 2 | '5' is not a duration; write it as 500ms      | \"jshimctl ls --help\"",
                "ls --timeout 0s        | 2 | '0s' is not a duration                        | \"jshimctl ls --help\"",
                "find abc               | 2 | 'abc' is not a whole number                   | \"jshimctl find --help\"",
                "find 0                 | 2 | \"0\" cannot be a process id                   | a number above 0",
                "top --sort size        | 2 | expected one of [cpu, memory, answer]         | \"jshimctl top --help\"",
                "top --count many       | 2 | 'many' is not a whole number                  | \"jshimctl top --help\"",
                "exec web               | 2 | Missing required parameter: 'COMMAND'         | \"jshimctl exec --help\"",
                "call web               | 2 | Missing required parameter: 'CALL'            | \"jshimctl call --help\"",
                "completion tcsh        | 2 | expected one of [bash, zsh, fish]             | \"jshimctl completion --help\"",
                "bridge strat           | 2 | unknown command \"strat\"                      | did you mean start?",
                "migrate plan --yess    | 2 | unknown option --yess                         | \"jshimctl migrate plan --help\"",
                "--root                 | 2 | Missing required parameter for option '--root'| \"jshimctl --help\"",
            })
    void wrongWays(String args, int code, String message, String hint) throws IOException {
        node.task("default", "web", Status.RUNNING);
        var result = args.equals("--root") ? Result.of(args) : Result.on(node, args.split(" ", -1));
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains(message).contains(hint);
        assertThat(result.err().lines()).hasSizeLessThanOrEqualTo(3);
        assertThat(result.code()).isEqualTo(code);
        assertThat(node.lastSignal).hasValue(0);
    }

    @Test
    void migrateWithoutYesOnlyShows() throws IOException {
        node.bundle("default", "web");
        var plan = Result.on(node, "migrate", "plan");
        assertThat(plan.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(plan.out()).startsWith("NAMESPACE").contains("web", "refuse");
        var apply = Result.on(node, "migrate", "apply");
        assertThat(apply.code()).isZero();
        assertThat(apply.out()).isEqualTo(plan.out());
        assertThat(apply.err()).endsWith("jshimctl: nothing was changed; add --yes to make the changes\n");
        var rollback = Result.on(node, "migrate", "rollback");
        assertThat(rollback.code()).isZero();
        assertThat(rollback.out()).startsWith("NAMESPACE").doesNotContain("web");
        assertThat(rollback.err()).contains("nothing was changed");
        assertThat(node.root).isEmptyDirectory();
        assertThat(JsonParser.parseString(
                                Result.on(node, "migrate", "plan", "-o", "json").out())
                        .getAsJsonObject()
                        .getAsJsonArray("plan"))
                .hasSize(1);
        assertThat(Result.on(node, "migrate", "status", "-o", "json").out()).contains("\"bridgeRunning\": false");
    }

    @Test
    void migrateNeedsTheBridge() {
        assertThat(Result.on(node, "migrate", "apply", "--yes")).satisfies(result -> {
            assertThat(result.code()).isEqualTo(ExitCode.FAILED);
            assertThat(result.err()).contains("containerd-shim-v1-linux does not exist", "JSHIM_HOME");
        });
        assertThat(Result.on(node, "migrate").err()).startsWith("jshimctl: Missing required subcommand\n");
        assertThat(Result.on(node, "migrate", "aply").err()).contains("did you mean apply?");
    }

    @Test
    void noCommand() {
        var result = Result.of();
        assertThat(result.code()).isEqualTo(ExitCode.USAGE);
        assertThat(result.err()).startsWith("jshimctl: Missing required subcommand\n");
    }

    @Test
    void help() {
        var result = Result.of("--help");
        assertThat(result.code()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .contains("Usage: jshimctl", "ls, list", "inspect", "pids", "kill", "migrate", "version")
                .contains("Exit codes:", "--timeout=TIME");
        assertThat(Result.of("kill", "-h").out()).contains("jshimctl kill web -s KILL", "--namespace=NAME");
        assertThat(Result.of("migrate", "apply", "--help").out()).contains("--yes", "without --yes");
        assertThat(Result.of("help")).isEqualTo(result);
        assertThat(Result.of("help", "lss").code()).isEqualTo(2);
        assertThat(Result.of("help", "lss").err()).contains("unknown command \"lss\"", "did you mean ls?");
        assertThat(Result.of("help", "migrate", "apply")).isEqualTo(Result.of("migrate", "apply", "--help"));
        assertThat(Result.of("--config", "x", "-n", "y", "--no-color", "help", "ls"))
                .isEqualTo(Result.of("ls", "--help"));
        assertThat(Result.of("help", "-n", "y", "kill", "web")).isEqualTo(Result.of("kill", "--help"));
        assertThat(Result.of("-n", "y", "help", "--no-trunc", "kill", "web")).isEqualTo(Result.of("kill", "--help"));
        assertThat(Result.of("-n", "y", "help", "--no-trunc")).isEqualTo(result);
        assertThat(Result.of("--root", "help", "ls", "--help")).isEqualTo(Result.of("ls", "--help"));
    }

    @Test
    void version() {
        assertThat(Result.of("version").out()).startsWith("jshimctl 0.1.0 (Java 25");
        assertThat(Result.of("--version").out()).isEqualTo("jshimctl 0.1.0\n");
        assertThat(Result.of("version", "-o", "json").out()).contains("\"version\": \"0.1.0\"");
    }

    @Test
    void trainingIsQuiet() {
        assertThat(Result.of("aot-train")).isEqualTo(new Result(0, "", ""));
    }
}
