package dev.jshim.ctl;

import dev.jshim.ctl.cli.Machine;
import java.io.PrintWriter;
import java.io.StringWriter;

/** What a command line left behind. */
record Result(int code, String out, String err) {
    static Result of(String... args) {
        return of(Machine.ours(), args);
    }

    private static Result of(Machine machine, String... args) {
        var out = new StringWriter();
        var err = new StringWriter();
        var code = Main.run(machine, new PrintWriter(out), new PrintWriter(err), args);
        return new Result(code, out.toString(), err.toString());
    }

    /** On a node of its own. */
    static Result on(FakeNode node, String... args) {
        return on(node, Machine.ours(), args);
    }

    /** As the other, on a machine that need not be ours. */
    static Result on(FakeNode node, Machine machine, String... args) {
        var all = new String[args.length + 6];
        System.arraycopy(args, 0, all, 6, args.length);
        var options = new String[] {
            "--root", node.root.toString(), "--state", node.state.toString(), "--timeout", node.patience()
        };
        System.arraycopy(options, 0, all, 0, options.length);
        return of(machine, all);
    }
}
