package dev.jshim.linux;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What must not be done in the test runner's own process; run by {@link ReaperTest}, prints what it sees. */
final class ReaperProgram {
    private ReaperProgram() {}

    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            Mounts.unmountRecursive(Path.of(args[0]));
            return;
        }
        Processes.setName("jshim-a-very-long-name");
        System.out.println(
                "comm " + Files.readString(Path.of("/proc/self/comm")).trim());
        System.out.println("subreaper " + Processes.isSubreaper());
        Processes.becomeSubreaper();
        System.out.println("subreaper " + Processes.isSubreaper());
        HugePages.turnOff();
        System.out.println("leader " + (Processes.setsid() == Processes.getpid()));
        Processes.ignoreSignal(Processes.SIGINT);
        print("parent SigIgn", "/proc/self/status");

        waitFor("no child");
        // Each lives until its pipe is closed here: the child first, the orphan that it leaves only after it was seen.
        try (Pipe first = FileCalls.pipe();
                Pipe second = FileCalls.pipe()) {
            int child = Spawn.command("/bin/sh", List.of("-c", "sh -c 'read x <&4; exit 8' & read x <&3; exit 3"))
                    .extra(first.readEnd(), 3)
                    .extra(second.readEnd(), 4)
                    .start();
            @Nullable ExitedChild none = Wait.any(false);
            System.out.println("early " + none);
            first.writeEnd().close();
            @Nullable ExitedChild peeked = Wait.any(true, false);
            System.out.println("peeked own " + (peeked != null && peeked.pid() == child) + " " + status(peeked));
        }
        TreeSet<Integer> seen = new TreeSet<>();
        seen.add(status(Wait.any(true)));
        seen.add(status(Wait.any(true)));
        System.out.println("seen " + seen);
        waitFor("all reaped");

        try (Pipe pipe = FileCalls.pipe()) {
            int cat = Spawn.command("/bin/cat", List.of("/proc/self/status"))
                    .stdout(pipe.writeEnd())
                    .start();
            byte[] status = new byte[8192];
            int count = pipe.readEnd().read(status, 0, status.length);
            new String(status, 0, count, StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> line.startsWith("SigIgn") || line.startsWith("THP_enabled"))
                    .forEach(line -> System.out.println("child " + line));
            System.out.println("huge pages off after the spawn " + HugePages.areOff());
            Wait.pid(cat, true);
        }
    }

    private static int status(@Nullable ExitedChild child) {
        return child == null ? -1 : child.status();
    }

    private static void print(String label, String file) throws Exception {
        Files.readAllLines(Path.of(file)).stream()
                .filter(line -> line.startsWith("SigIgn") || line.startsWith("THP_enabled"))
                .forEach(line -> System.out.println(label + " " + line));
    }

    private static void waitFor(String label) {
        try {
            System.out.println(label + " " + Wait.any(false));
        } catch (ErrnoException e) {
            System.out.println(label + " " + e.errno());
        }
    }
}
