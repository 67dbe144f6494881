package dev.jshim.ctl;

import dev.jshim.node.process.ProcFs;
import java.io.PrintWriter;

/** What a command works with: the options of all commands, the machine, and where to write. */
record Cli(Globals globals, Machine machine, PrintWriter out, PrintWriter err) {
    NodeReader reader() {
        return new NodeReader(globals, machine.proc());
    }

    /** The machine's processes. */
    ProcFs proc() {
        return machine.proc();
    }

    /** Something to know beside the result; on a terminal it comes behind what was written of that before. */
    void note(String line) {
        out.flush();
        err.println("jshimctl: " + Text.oneLine(line));
    }

    /**
     * Writes a result in the form that was asked for.
     *
     * @param forPeople writes it to {@link #out} as a table, in lines, or as a {@link Listing} has rows in another form
     */
    void show(Fields result, Runnable forPeople) {
        switch (globals.output().kind()) {
            case JSON -> Json.write(out, result);
            case YAML -> Yaml.write(out, result);
            case TABLE, WIDE, NAME, COLUMNS -> forPeople.run();
        }
    }
}
