package dev.jshim.it;

import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Shows on a private containerd what the project is for: running v1 containers through an upgrade to containerd 2.x
 * and, with {@code --rollback}, back; with {@code --kill}, how the bridge is killed under them, and the JVM of a shim
 * under new ones. Exit code 0 if every check held, 1 if not, 2 for a wrong command line. Nothing is left on the machine
 * either way.
 */
public final class Demo {
    /** The bridge waits for some seconds after its last container's end for another one. */
    private static final Duration BRIDGE_ENDS = Duration.ofSeconds(25);

    private static final String ROLLBACK = "--rollback";
    private static final String KILL = "--kill";
    private static final List<String> KINDS = List.of(ROLLBACK, KILL);
    private static final int KILLS = 10;
    private static final Duration NO_CRASH_LOOP = Duration.ofMillis(1500);
    private static final Duration ANOTHER_COMES = Duration.ofSeconds(60);

    private final Checks checks;
    private final PrivateContainerd node;
    private List<Long> pauses = List.of();
    private List<Long> newPauses = List.of();

    private Demo(Checks checks, PrivateContainerd node) {
        this.checks = checks;
        this.node = node;
    }

    /** The program. */
    public static void main(String[] args) {
        List<String> words = List.of(args);
        if (words.size() > 1 || !KINDS.containsAll(words)) {
            System.err.println("usage: demo [--rollback | --kill]");
            System.exit(2);
        }
        System.exit(run(words.isEmpty() ? "" : words.getFirst()) ? 0 : 1);
    }

    private static boolean run(String kind) {
        Checks checks = new Checks(System.out);
        try {
            Product.home();
            for (Release release : Release.values()) {
                if (release != Release.V1_7) {
                    release.folder();
                }
            }
        } catch (IllegalStateException e) {
            System.err.println("demo: " + e.getMessage());
            return false;
        }
        PrivateContainerd node = PrivateContainerd.create(Release.V1_6);
        // Ctrl-C must not leave containers behind either.
        Thread hook = Thread.ofPlatform().unstarted(node::close);
        Runtime.getRuntime().addShutdownHook(hook);
        System.out.println(
                "Running v1 containers through an upgrade of containerd" + (kind.equals(ROLLBACK) ? ", and back" : "")
                        + "\nfolder " + node.dir() + ", namespace " + node.namespace());
        try {
            Demo demo = new Demo(checks, node);
            switch (kind) {
                case ROLLBACK -> demo.thereAndBack();
                case KILL -> demo.kill();
                default -> demo.upgrade();
            }
        } catch (Checks.Broken e) {
            System.out.println("\n" + e.getMessage());
            checks.tail("the daemon's log", node.log());
            checks.tail("the bridge's log", node.state().resolve("jshim/bridge.log"));
        } finally {
            node.close();
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        return checks.verdict();
    }

    private void upgrade() throws Checks.Broken {
        Trio trio = before();
        stopAndAdopt(trio);
        startNew(trio);
        worksThroughTheBridge(trio);
        survivesRestart(trio);
        newOnesBesideThem();
        killAndExitCodes(trio);
        nothingIsLeft();
    }

    private void thereAndBack() throws Checks.Broken {
        Trio trio = before();
        stopAndAdopt(trio);
        startNew(trio);
        back(trio);
        nothingIsLeft();
    }

    private void kill() throws Checks.Broken {
        Trio trio = before();
        stopAndAdopt(trio);
        startNew(trio);
        theBridgeDies(trio);
        NewTrio fresh = theShimDies();
        killAndExitCodes(trio);
        checks.that("the new ones are killed and deleted", () -> {
            fresh.remove(node);
            return "";
        });
        nothingIsLeft();
        report();
    }

    /** What containerd and its clients notice: nothing but a pause. */
    private void theBridgeDies(Trio trio) throws Checks.Broken {
        checks.title("4. kill -9 of the bridge, " + KILLS + " times");
        EventLog events = EventLog.open(node);
        checks.must("each time an exec right after it, the same processes, the counter without a gap", () -> {
            pauses = killed(this::bridge, Trio.HOLDER, trio::unharmed);
            return "ms from kill to the exec's end: " + pauses;
        });
        checks.that("the same exec with nobody killed", () -> {
            long began = System.nanoTime();
            node.exec(Trio.HOLDER, "k", "/bin/sh", "-c", "exit 3").expect(3);
            return Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms";
        });
        checks.that("ctr task ls", () -> trio.listed(node));
        checks.that("no exit that did not happen", () -> noFalseExit(events));
        checks.that("jshimctl bridge status", () -> {
            checks.quote(Product.ctl(node, "bridge", "status").ok().out());
            return "";
        });
    }

    /** The same for the shim of new containers. */
    private NewTrio theShimDies() throws Checks.Broken {
        checks.title("5. Three new containers, and kill -9 of their shim's JVM, " + KILLS + " times");
        NewTrio[] fresh = new NewTrio[1];
        checks.must("one counts to a FIFO, one to a terminal, one to a file", () -> {
            fresh[0] = NewTrio.start(node);
            return fresh[0].unharmed();
        });
        EventLog events = EventLog.open(node);
        checks.must("each time an exec right after it, the same processes, all they say without a gap", () -> {
            newPauses = killed(() -> Shims.jvm(fresh[0].shim()), NewTrio.FILE, fresh[0]::unharmed);
            return "ms from kill to the exec's end: " + newPauses;
        });
        checks.that("no exit that did not happen", () -> noFalseExit(events));
        checks.that("jshimctl ls", () -> {
            checks.quote(Product.ctl(node, "ls").ok().out());
            return "";
        });
        return fresh[0];
    }

    /** Kills what serves a container again and again; how long each time an exec right after it took, in ms. */
    private List<Long> killed(LongSupplier server, String id, Supplier<String> unharmed) {
        List<Long> millis = new ArrayList<>();
        for (int i = 0; i < KILLS; i++) {
            ProcessFacts killed = ProcessFacts.of(server.getAsLong());
            long began = System.nanoTime();
            Signal.KILL.to(killed.pid());
            node.exec(id, "k" + i, "/bin/sh", "-c", "exit 3").expect(3);
            millis.add(Duration.ofNanos(System.nanoTime() - began).toMillis());
            Wait.until(ANOTHER_COMES, "another one serves", () -> {
                long now = server.getAsLong();
                return now != 0 && now != killed.pid();
            });
            String _ = unharmed.get();
            // One that dies within a second of its start is in a crash loop, and is given longer and longer pauses.
            Wait.pause(NO_CRASH_LOOP);
        }
        return millis;
    }

    private String noFalseExit(EventLog events) {
        List<EventLog.Event> wrong = events.all().stream()
                .filter(event -> event.topic().equals("/tasks/exit") && event.number("exit_status") != 3)
                .toList();
        if (!wrong.isEmpty() || node.logText().contains("shim disconnected")) {
            throw new IllegalStateException(wrong + ", or containerd has seen a shim disconnect");
        }
        return "";
    }

    private void report() {
        checks.title("In short");
        checks.quote("bridge killed %d times, an exec meanwhile took %d ms at most"
                .formatted(pauses.size(), Collections.max(pauses)));
        checks.quote("JVM of the shim killed %d times, an exec meanwhile took %d ms at most"
                .formatted(newPauses.size(), Collections.max(newPauses)));
        checks.quote("6 containers, 3 adopted and 3 new, with the same processes; containerd saw no shim disconnect");
    }

    /** The bridge that serves; 0 if none does now. */
    private long bridge() {
        Outcome status = Product.ctl(node, "-o", "json", "bridge", "status");
        return status.code() != 0
                ? 0
                : JsonParser.parseString(status.out())
                        .getAsJsonObject()
                        .get("pid")
                        .getAsLong();
    }

    private Trio before() throws Checks.Broken {
        checks.title("1. " + version() + ", three containers on " + Product.LEGACY);
        checks.must("the old daemon starts", () -> {
            node.start();
            return "";
        });
        Trio[] trio = new Trio[1];
        checks.must("one counts, one waits on stdin, one has an exec running", () -> {
            trio[0] = Trio.start(node);
            return trio[0].listed(node);
        });
        trio[0].processes()
                .forEach((name, facts) ->
                        checks.quote("%-16s pid %-8d start time %d".formatted(name, facts.pid(), facts.startTime())));
        return trio[0];
    }

    private void stopAndAdopt(Trio trio) throws Checks.Broken {
        checks.title("2. The old daemon stops; jshimctl adopts what runs on");
        checks.must("containerd stops", () -> {
            node.stop();
            return trio.unharmed();
        });
        checks.that("jshimctl migrate plan", () -> {
            checks.quote(Product.ctl(node, "migrate", "plan").ok().out());
            return "";
        });
        checks.must("jshimctl migrate apply --yes", () -> {
            checks.quote(Product.ctl(node, "migrate", "apply", "--yes").ok().out());
            return trio.unharmed();
        });
        checks.that("jshimctl migrate status", () -> {
            checks.quote(Product.ctl(node, "migrate", "status").ok().out());
            return "";
        });
    }

    private void startNew(Trio trio) throws Checks.Broken {
        checks.must("containerd 2.x starts on the same folders", () -> {
            node.switchTo(Release.V2);
            return "";
        });
        checks.title("3. " + version() + " has them");
        checks.must("ctr task ls", () -> trio.listed(node));
        checks.that("the same processes, the counter without a gap", trio::unharmed);
    }

    private void worksThroughTheBridge(Trio trio) {
        checks.that("ctr task ps lists the exec that was running", () -> {
            ProcessFacts worker = ProcessList.of(node, Trio.HOLDER).exec(Trio.WORKER);
            if (!worker.equals(trio.process(Trio.WORKER))) {
                throw new IllegalStateException(worker + " instead of " + trio.process(Trio.WORKER));
            }
            return "pid " + worker.pid();
        });
        checks.that("ctr task metrics", () -> memory());
        checks.that("ctr task exec: output and exit code", () -> {
            Outcome exec = node.exec(
                            List.of(Turn.afterwards("hello")),
                            Trio.COUNTER,
                            "e1",
                            "/bin/sh",
                            "-c",
                            "echo hello; " + Turn.HEARD + "; exit 3")
                    .expect(3);
            return "said '" + exec.out() + "', ended with 3";
        });
        checks.that("the waiting one still reads its stdin", () -> trio.answers("after the upgrade"));
    }

    private String memory() {
        return node.ctr("task", "metrics", Trio.COUNTER)
                .ok()
                .out()
                .lines()
                .filter(line -> line.matches("memory\\.usage\\S*\\s+[1-9]\\d*\\s*"))
                .findFirst()
                .map(line -> line.strip().replaceAll("\\s+", " "))
                .orElseThrow(() -> new IllegalStateException("no memory usage in the metrics"));
    }

    private void survivesRestart(Trio trio) throws Checks.Broken {
        checks.title("4. kill -9 of the new daemon, and a new start");
        checks.must("they run on without any daemon", () -> {
            node.kill9();
            return trio.unharmed();
        });
        checks.must("the daemon has them again", () -> {
            node.start();
            return trio.listed(node);
        });
        checks.that("the same processes, the counter without a gap", trio::unharmed);
        checks.that("exec, stdin", () -> {
            node.exec(Trio.HOLDER, "e2", "/bin/true").ok();
            return trio.answers("after the restart");
        });
    }

    private void newOnesBesideThem() {
        checks.title("5. New containers on " + Product.RUNTIME + " beside them");
        checks.that("ctr run: output and exit code", () -> {
            Outcome run = node.run(
                            List.of(Turn.afterwards("new")),
                            Product.RUNTIME,
                            "new",
                            "/bin/sh",
                            "-c",
                            "echo new; " + Turn.HEARD + "; exit 7")
                    .expect(7);
            return "said '" + run.out() + "', ended with 7";
        });
        checks.that("ctr run -d, exec, kill, delete", () -> {
            ProcessFacts init = node.runDetached(Product.RUNTIME, "new", "/bin/sleep", "1000");
            node.exec("new", "e3", "/bin/true").ok();
            node.remove("new");
            if (init.alive()) {
                throw new IllegalStateException("pid " + init.pid() + " still runs");
            }
            return "";
        });
    }

    private void killAndExitCodes(Trio trio) throws Checks.Broken {
        checks.title("6. Their end, through the bridge");
        EventLog events = EventLog.open(node);
        checks.that("the exec is killed alone", () -> {
            node.ctr("task", "kill", "-s", "KILL", "--exec-id", Trio.WORKER, Trio.HOLDER)
                    .ok();
            long code = events.exit(Trio.HOLDER, Trio.WORKER).number("exit_status");
            node.ctr("task", "rm", "--exec-id", Trio.WORKER, Trio.HOLDER).expect(137);
            return "exit code " + code;
        });
        checks.that("the counter ends on SIGTERM with its own exit code, 42", () -> {
            long last = trio.counter().gapless();
            node.ctr("task", "kill", "-s", "TERM", Trio.COUNTER).ok();
            EventLog.Event exit = events.exit(Trio.COUNTER, Trio.COUNTER);
            if (exit.number("exit_status") != 42) {
                throw new IllegalStateException("another exit code: " + exit);
            }
            Wait.until("the end of its output", trio.counter().streams()::ended);
            return "at " + Math.max(last, trio.counter().gapless()) + ", without a gap";
        });
        checks.that("task rm tells the exit code", () -> {
            String said = node.ctr("task", "rm", Trio.COUNTER).ok().err();
            if (!said.contains("exit code 42")) {
                throw new IllegalStateException(said);
            }
            node.ctr("container", "rm", Trio.COUNTER).ok();
            return "";
        });
        checks.that("the others are killed and deleted", () -> {
            node.remove(Trio.WAITER);
            node.remove(Trio.HOLDER);
            return "";
        });
    }

    private void back(Trio trio) throws Checks.Broken {
        checks.title("4. And back");
        checks.that("rollback is refused while the new daemon answers", () -> {
            Outcome refused = Product.ctl(node, "migrate", "rollback", "--yes");
            if (refused.code() == 0) {
                throw new IllegalStateException("it was not: " + refused);
            }
            checks.quote(refused.err().strip());
            return trio.unharmed();
        });
        checks.must("containerd 2.x stops, jshimctl migrate rollback --yes", () -> {
            node.stop();
            checks.quote(Product.ctl(node, "migrate", "rollback", "--yes").ok().out());
            return trio.unharmed();
        });
        checks.must("containerd 1.6 starts again and has them", () -> {
            node.switchTo(Release.V1_6);
            return trio.listed(node);
        });
        checks.that("each is listed once", () -> {
            int listed = Tasks.of(node).tasks().size();
            if (listed != Trio.IDS.size()) {
                throw new IllegalStateException(Tasks.of(node).toString());
            }
            return "";
        });
        checks.that("the same processes, the counter without a gap", trio::unharmed);
        checks.that("exec, stdin", () -> {
            node.exec(Trio.HOLDER, "e4", "/bin/true").ok();
            return trio.answers("back again");
        });
        checks.that("all are killed and deleted by the old daemon", () -> {
            trio.remove(node);
            return "";
        });
    }

    private void nothingIsLeft() {
        checks.title("At the end");
        checks.that("no process, mount, cgroup, socket or bundle is left", () -> {
            node.finish(BRIDGE_ENDS);
            return "";
        });
    }

    private String version() {
        Outcome version = Run.of(List.of(node.release().daemon().toString(), "--version"))
                .run()
                .ok();
        return "containerd " + version.out().split(" ", -1)[2];
    }
}
