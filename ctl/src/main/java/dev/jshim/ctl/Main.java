package dev.jshim.ctl;

import dev.jshim.ctl.cli.Machine;
import dev.jshim.ctl.output.StreamWriter;
import java.io.PrintWriter;
import java.util.List;

/**
 * {@code jshimctl}: looks at the shims of a node, and moves v1 containers under the bridge.
 *
 * <p>Names no type of picocli's: its class files are too old for the AOT cache, and so would be a class that is
 * verified against them.
 */
public final class Main {
    private static final String TRAIN = "aot-train";

    private Main() {}

    public static void main(String[] args) {
        var out = new StreamWriter(System.out, false);
        var err = new StreamWriter(System.err, true);
        if (List.of(args).equals(List.of(TRAIN))) {
            System.exit(run(out, err, args));
        }
        var linked = HeadStart.beginFor(args);
        var code = run(out, err, args);
        if (linked) {
            HeadStart.exit(code);
        }
        // System.exit would first look whether somebody logs it, which takes longer than to list a container
        Runtime.getRuntime().halt(code);
    }

    /**
     * Runs a command line.
     *
     * @param out gets the results and nothing else
     * @return the exit code
     */
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        return run(Machine.ours(), out, err, args);
    }

    /** As the other, on a machine that need not be ours. */
    static int run(Machine machine, PrintWriter out, PrintWriter err, String... args) {
        try {
            return List.of(args).equals(List.of(TRAIN)) ? Training.run() : CommandTree.execute(machine, out, err, args);
        } finally {
            out.flush();
            err.flush();
        }
    }
}
