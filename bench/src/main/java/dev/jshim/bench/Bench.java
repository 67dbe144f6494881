package dev.jshim.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Our shim beside containerd's own, A B A B, on one daemon. {@code bench FILE} puts the numbers into the file; with
 * {@code --quick} one round of everything, which shows that it works and no more, and is printed only.
 */
public final class Bench {
    /**
     * How much of everything.
     *
     * @param rounds of single commands
     * @param megabytes of output
     * @param lines of output on a terminal
     * @param containers for the memory row
     * @param batch of containers at a time
     * @param calls in a sample
     * @param repeats of what takes long
     */
    record Size(int rounds, int megabytes, int lines, int containers, int batch, int calls, int repeats) {
        static final Size FULL = new Size(15, 1024, 1_000_000, 20, 24, 1500, 3);
        static final Size QUICK = new Size(1, 8, 1000, 2, 8, 20, 1);
    }

    private Bench() {}

    /** The program. */
    public static void main(String[] args) throws IOException, InterruptedException {
        switch (List.of(args)) {
            case List<String> words when words.equals(List.of("--quick")) -> System.out.print(measure(Size.QUICK));
            case List<String> words
            when words.size() == 1 && !words.getFirst().startsWith("-") -> {
                var text = measure(Size.FULL);
                System.out.print(text);
                Report.write(Path.of(words.getFirst()), text);
            }
            default -> {
                System.err.println("usage: bench FILE | bench --quick");
                System.exit(2);
            }
        }
        System.exit(0); // The client's connection threads are not waited for.
    }

    static String measure(Size size) throws IOException, InterruptedException {
        var rows = new ArrayList<Row>();
        String machine;
        String memory;
        try (var rig = new Rig(false)) {
            machine = Machine.describe(rig.node());
            var commands = new CommandRows(rig, size.rounds());
            add(rows, List.of(commands.run()));
            add(rows, List.of(commands.exec()));
            add(rows, List.of(commands.terminal(size.repeats(), size.lines())));
            var idle = new MemoryRow(rig, size.containers());
            add(rows, List.of(idle.measure()));
            memory = idle.made();
            add(rows, new OutputRows(rig, size.megabytes()).measure(size.repeats(), "no criu in PATH"));
            add(rows, List.of(commands.throughput(size.repeats(), size.batch())));
            add(rows, new CallRows(rig, size.calls()).measure(size.repeats()));
        }
        try (var rig = new Rig(true)) {
            add(rows, new OutputRows(rig, size.megabytes()).measure(size.repeats(), "criu in PATH"));
        }
        return Report.text(machine, rows, memory);
    }

    /** It takes minutes: each row is said as it comes. */
    private static void add(List<Row> rows, List<Row> more) {
        more.forEach(row -> System.err.println(row.markdown()));
        rows.addAll(more);
    }
}
