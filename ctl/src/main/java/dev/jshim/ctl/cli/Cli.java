package dev.jshim.ctl.cli;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Json;
import dev.jshim.ctl.output.Screen;
import dev.jshim.ctl.output.Text;
import dev.jshim.ctl.output.Yaml;
import dev.jshim.node.process.ProcFs;
import java.io.PrintWriter;
import java.util.Objects;

/** What a command works with: the options of all commands, the machine, and where to write. */
public record Cli(Globals globals, Machine machine, PrintWriter out, PrintWriter err) {
    public NodeReader reader() {
        return new NodeReader(globals, machine.proc());
    }

    /** The machine's processes. */
    public ProcFs proc() {
        return machine.proc();
    }

    /** Where {@link #out} is shown. */
    public Screen screen() {
        return Screen.of(globals.isTruncated(), globals.isColored());
    }

    /** Something to know beside the result; on a terminal it comes behind what was written of that before. */
    public void note(String line) {
        out.flush();
        err.println("jshimctl: " + Text.oneLine(line));
    }

    /**
     * Writes a result in the form that was asked for.
     *
     * @param forPeople writes it to {@link #out} as a table, in lines, or as a {@link Listing} has rows in another form
     */
    public void show(Fields result, Runnable forPeople) {
        switch (globals.output().kind()) {
            case JSON -> Json.write(out, result);
            case YAML -> Yaml.write(out, result);
            case JSONPATH ->
                Objects.requireNonNull(globals.output().path())
                        .write(out, result)
                        .forEach(name -> note("-o jsonpath: there is no field \"" + name + "\" where it asks for one"));
            case TABLE, WIDE, NAME, COLUMNS -> forPeople.run();
        }
    }
}
