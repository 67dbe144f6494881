package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * {@code jshimctl exec -t} on a terminal that script(1) makes: keys, size, exit status, and the terminal afterwards.
 */
class ExecTerminalTest extends MigrationScenario {
    private static final String GO = "io.containerd.runc.v2";

    /** A shell's words that type nothing more, and leave the terminal's input open as long as jshimctl runs. */
    private static final String UNTIL_OVER = "until [ -e \"$over\" ]; do sleep 0.1; done";

    private final AtomicInteger made = new AtomicInteger();

    ExecTerminalTest() {
        super(Release.V1_6);
    }

    @Test
    void aShellThroughEachShimWithoutContainerd() {
        legacy("old");
        node.runDetached(GO, "go", "/bin/sleep", "100000");
        node.runDetached(Product.RUNTIME, "own", "/bin/sleep", "100000");
        node.stop();
        for (String id : List.of("old", "go", "own")) {
            Path bundle = id.equals("old") ? node.legacyBundle(id) : node.bundle(id);
            String first =
                    "stty size; test -t 0 && test -t 1 && test -t 2 && echo three $((1 + 2)) terminals; echo >/ready";
            String then = "until [ \"$(stty size)\" = \"40 99\" ]; do sleep 0.1; done; echo resi\"\"zed";
            String keys = "echo '" + first + "'; " + untilReady(bundle) + "; stty rows 40 cols 99 <\"$t\"; echo '"
                    + then + "'; " + untilSaid("resized") + "; echo 'exit 4'; " + UNTIL_OVER;
            Outcome exec = onTerminal(keys, "exec", "-t", id, "/bin/sh");
            assertThat(exec.expect(4).out()).as(id).contains("33 77", "three 3 terminals", "resized", "RESTORED");
        }
        node.start();
        List.of("old", "go", "own").forEach(node::remove);
    }

    @Test
    void controlCIsTheCommandsAndControlPControlQLeavesIt() {
        node.runDetached(GO, "one", "/bin/sleep", "100000");
        String keys = untilReady(node.bundle("one")) + "; printf '\\003'; " + untilSaid("interrupted")
                + "; printf '\\020\\021'; " + UNTIL_OVER;
        String script = "trap 'echo inter\"\"rupted' INT; echo >/ready; while :; do sleep 0.1; done";

        Outcome left = onTerminal(keys, "exec", "--exec-id", "e", "-t", "one", "/bin/sh", "-c", script);

        assertThat(left.ok().out()).contains("interrupted", "the command keeps running as exec e of", "RESTORED");
        assertThat(ctl("pids", "one").ok().out()).contains("  e  ");
        ctl("kill", "one", "--exec", "e", "-s", "KILL").ok();
        Wait.until("it has ended", () -> !ctl("pids", "one").ok().out().contains("  e  "));
        node.remove("one");
    }

    @Test
    void theTerminalIsRestoredWhateverHappens() {
        ProcessFacts init = node.runDetached(GO, "one", "/bin/sleep", "100000");
        assertThat(onTerminal("", "exec", "-t", "one", "/bin/missing").expect(1).out())
                .contains("refused", "RESTORED");

        CompletableFuture<Outcome> terminated = sleeping("terminated");
        Signal.TERM.to(ctlOf("terminated"));
        assertThat(terminated.join().expect(143).out()).contains("RESTORED");
        Wait.until(
                "the command has ended too",
                () -> !ctl("pids", "one").ok().out().contains("terminated"));

        CompletableFuture<Outcome> killed = sleeping("killed");
        node.kill9();
        Signal.KILL.to(init.parent());
        assertThat(killed.join().expect(1).out()).contains("RESTORED");
        node.forgiveStaleSockets();
        Signal.KILL.to(init.pid());
        node.start();
        node.remove("one");
    }

    /** A shell's words that wait until somebody in the container of this bundle has written /ready. */
    private static String untilReady(Path bundle) {
        try {
            JsonObject config = JsonParser.parseString(Files.readString(bundle.resolve("config.json")))
                    .getAsJsonObject();
            String rootfs = config.getAsJsonObject("root").get("path").getAsString();
            return "until [ -e '" + bundle.resolve(rootfs).resolve("ready") + "' ]; do sleep 0.1; done";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A shell's words that wait until this has come out of the terminal. What is typed comes out too. */
    private static String untilSaid(String text) {
        return "until grep -q " + text + " \"$log\" 2>/dev/null; do sleep 0.1; done";
    }

    /** A sleep on a terminal, once it runs. */
    private CompletableFuture<Outcome> sleeping(String exec) {
        CompletableFuture<Outcome> run = CompletableFuture.supplyAsync(
                () -> onTerminal(UNTIL_OVER, "exec", "--exec-id", exec, "-t", "one", "/bin/sleep", "1000"));
        Wait.until("it runs", () -> ctl("pids", "one").ok().out().contains(exec));
        return run;
    }

    /** The process of the jshimctl that has such an exec. */
    private long ctlOf(String exec) {
        return ProcessFacts.withCommand("dev.jshim.ctl.Main", node.state() + " exec --exec-id " + exec)
                .getFirst();
    }

    private Outcome ctl(String... args) {
        return Product.ctl(node, args);
    }

    /**
     * Runs jshimctl on a terminal of 33 rows and 77 columns, and says RESTORED where it is as it was before.
     *
     * @param keys a shell's words that write what is typed; the terminal is {@code $t} for them, what has come out of
     *     it {@code $log}
     */
    private Outcome onTerminal(String keys, String... args) {
        List<String> words = new ArrayList<>(List.of(
                Product.bin().resolve("jshimctl").toString(),
                "--root",
                node.root().toString(),
                "--state",
                node.state().toString()));
        words.addAll(List.of(args));
        Path terminal = node.dir().resolve("terminal-" + made.incrementAndGet());
        StringBuilder line = new StringBuilder("stty rows 33 cols 77; tty >" + terminal + "; mode=$(stty -g);");
        words.forEach(
                word -> line.append(" '").append(word.replace("'", "'\\''")).append('\''));
        line.append(
                "; code=$?; [ \"$mode\" != \"$(stty -g)\" ] || echo RESTORED; : >" + terminal + ".over; exit $code");
        String log = terminal + ".log";
        String typing = "{ until [ -s " + terminal + " ]; do sleep 0.1; done; t=$(cat " + terminal + "); over="
                + terminal + ".over; log=" + log + "; " + keys + "\n} | ";
        return Run.of(List.of(
                        "/bin/sh",
                        "-c",
                        typing + "exec script --quiet --return --flush --command \"$1\" \"$2\"",
                        "sh",
                        line.toString(),
                        log))
                .run();
    }
}
