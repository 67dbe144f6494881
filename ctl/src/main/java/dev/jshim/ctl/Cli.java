package dev.jshim.ctl;

import java.io.PrintWriter;

/** What a command works with: the options of all commands, and where to write. */
record Cli(Globals globals, PrintWriter out, PrintWriter err) {
    NodeReader reader() {
        return new NodeReader(globals);
    }

    /** Something to know beside the result. */
    void note(String line) {
        err.println("jshimctl: " + Text.oneLine(line));
    }
}
