package dev.jshim.ctl;

import java.io.PrintWriter;

/** What a command works with: the options of all commands, and where to write. */
record Cli(Globals globals, PrintWriter out, PrintWriter err) {
    NodeReader reader() {
        return new NodeReader(globals);
    }

    /** Something to know beside the result; on a terminal it comes behind what was written of that before. */
    void note(String line) {
        out.flush();
        err.println("jshimctl: " + Text.oneLine(line));
    }

    /**
     * Writes a result in the form that was asked for.
     *
     * @param forPeople writes it to {@link #out} as a table or in lines
     */
    void show(Fields result, Runnable forPeople) {
        switch (globals.output()) {
            case json -> Json.write(out, result);
            case yaml -> Yaml.write(out, result);
            case table, wide -> forPeople.run();
        }
    }
}
