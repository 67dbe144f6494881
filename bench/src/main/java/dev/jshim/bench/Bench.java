package dev.jshim.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Our shim beside containerd's own, A B A B, on one daemon. {@code bench FILE} puts the numbers into the file; with
 * {@code --quick} one round of everything, which shows that it works and no more, and with {@code --rows} in full what
 * the words after it name: both are printed only.
 */
public final class Bench {
    /**
     * How much of everything.
     *
     * @param rounds of single commands
     * @param megabytes of output
     * @param lines of output on a terminal
     * @param screens of 64 KiB each on a terminal, in large writes
     * @param containers for the memory row
     * @param many containers for the other memory row
     * @param batch of containers at a time
     * @param calls in a sample
     * @param repeats of what takes long
     */
    record Size(
            int rounds,
            int megabytes,
            int lines,
            int screens,
            int containers,
            int many,
            int batch,
            int calls,
            int repeats) {
        static final Size FULL = new Size(15, 1024, 1_000_000, 320, 20, 100, 24, 1500, 3);
        static final Size QUICK = new Size(1, 8, 1000, 2, 2, 3, 8, 20, 1);
    }

    /** The names of the rows, by which they can be chosen. */
    static final Set<String> ALL = Set.of(
            "run", "first", "exec", "lines", "screens", "memory", "many", "output", "throughput", "calls", "criu");

    private Bench() {}

    /** The program. */
    public static void main(String[] args) throws IOException, InterruptedException {
        var words = List.of(args);
        if (words.equals(List.of("--quick"))) {
            System.out.print(measure(Size.QUICK, ALL));
        } else if (words.size() > 1 && words.getFirst().equals("--rows") && ALL.containsAll(rest(words))) {
            System.out.print(measure(Size.FULL, Set.copyOf(rest(words))));
        } else if (words.size() == 1 && !words.getFirst().startsWith("-")) {
            var text = measure(Size.FULL, ALL);
            System.out.print(text);
            Report.write(Path.of(words.getFirst()), text);
        } else {
            System.err.println("usage: bench FILE | bench --quick | bench --rows NAME...\nrows: "
                    + String.join(" ", new TreeSet<>(ALL)));
            System.exit(2);
        }
        System.exit(0); // The client's connection threads are not waited for.
    }

    private static List<String> rest(List<String> words) {
        return words.subList(1, words.size());
    }

    static String measure(Size size, Set<String> chosen) throws IOException, InterruptedException {
        var rows = new Rows(chosen);
        String machine;
        var memory = "";
        try (var rig = new Rig(false)) {
            machine = Machine.describe(rig.node());
            var commands = new CommandRows(rig, size.rounds());
            rows.add("run", () -> List.of(commands.run()));
            rows.add("first", () -> List.of(commands.first()));
            rows.add("exec", () -> List.of(commands.exec()));
            rows.add("lines", () -> List.of(commands.lines(size.repeats(), size.lines())));
            rows.add("screens", () -> List.of(commands.screens(size.repeats(), size.screens())));
            var idle = new MemoryRow(rig, size.containers(), List.of(Subject.values()), 0.5);
            if (rows.add("memory", () -> List.of(idle.measure()))) {
                memory = idle.made();
            }
            // A JVM for each of so many would say nothing that the row before does not.
            var many = new MemoryRow(rig, size.many(), List.of(Subject.NODE, Subject.GO), 0.2);
            rows.add("many", () -> List.of(many.measure()));
            var output = new OutputRows(rig, size.megabytes());
            rows.add("output", () -> output.measure(size.repeats(), "no criu in PATH", ""));
            rows.add("throughput", () -> List.of(commands.throughput(size.repeats(), size.batch())));
            rows.add("calls", () -> new CallRows(rig, size.calls()).measure(size.repeats()));
        }
        if (chosen.contains("criu")) {
            try (var rig = new Rig(true)) {
                var output = new OutputRows(rig, size.megabytes());
                rows.add("criu", () -> output.measure(size.repeats(), "criu in PATH", ""));
                var never = new OutputRows(rig, size.megabytes());
                var config = "NeverCheckpointed = true\n";
                rows.add("criu", () -> never.measure(size.repeats(), "criu in PATH, `NeverCheckpointed`", config));
            }
        }
        return Report.text(machine, rows.all, memory);
    }

    /** Those that were chosen. It takes minutes: each is said as it comes. */
    private record Rows(Set<String> chosen, List<Row> all) {
        Rows(Set<String> chosen) {
            this(chosen, new ArrayList<>());
        }

        interface Measurement {
            List<Row> rows() throws IOException, InterruptedException;
        }

        boolean add(String name, Measurement measurement) throws IOException, InterruptedException {
            if (!chosen.contains(name)) {
                return false;
            }
            var more = measurement.rows();
            more.forEach(row -> System.err.println(row.markdown()));
            return all.addAll(more);
        }
    }
}
