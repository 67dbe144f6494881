package dev.jshim.ctl.leftover;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.leftover.OtherNode;
import dev.jshim.node.leftover.Stray;
import java.util.ArrayList;
import java.util.List;

/** How what no bundle shows is written: a note a piece, or lists in JSON. */
public final class Strays {
    private Strays() {}

    public static void note(Cli cli, List<Stray> strays, List<OtherNode> others) {
        strays.forEach(stray -> cli.note(stray.task() + ": " + stray.what()));
        others.forEach(other -> cli.note(other.describe()));
    }

    public static Fields with(Fields fields, List<Stray> strays, List<OtherNode> others) {
        var found = new ArrayList<Fields>();
        for (var stray : strays) {
            found.add(new Fields()
                    .with("kind", stray.kind().label())
                    .with("namespace", stray.task().namespace())
                    .with("id", stray.task().id())
                    .with("pid", TaskFields.known(stray.pid()))
                    .with("what", stray.what()));
        }
        var nodes = new ArrayList<Fields>();
        for (var other : others) {
            nodes.add(new Fields()
                    .with("root", other.root().toString())
                    .with("state", other.state().toString())
                    .with("shims", other.shims()));
        }
        return fields.with("strays", found).with("others", nodes);
    }
}
