package dev.jshim.ctl.leftover;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.output.Fields;
import dev.jshim.node.leftover.Leftover;
import dev.jshim.node.leftover.LeftoverScan;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** What {@code bundles} and {@code clean} share: what is looked for, and how it is written. */
public final class Leftovers {
    private Leftovers() {}

    /** With a namespace only what is known to be of it. */
    public static List<Leftover> of(Cli cli, Duration age) {
        var globals = cli.globals();
        var scan = scan(cli, cli.reader().read(), age);
        var out = new ArrayList<>(scan.ofTasks());
        out.addAll(scan.shims(globals.address()));
        if (globals.namespace() == null) {
            out.addAll(scan.others());
        }
        return out.stream().filter(left -> isMeant(left, globals)).toList();
    }

    /** Looks once more at what belongs to a task: all that is still left of it. */
    static List<Leftover> again(Cli cli, TaskId task, Duration age) {
        return scan(cli, Node.read(cli.globals().paths(), cli.proc(), task), age)
                .ofTask(task);
    }

    /** As the other, for what belongs to no task. */
    static List<Leftover> again(Cli cli, Duration age) {
        return scan(cli, cli.reader().read(), age).others();
    }

    /**
     * Whether it was made and changed so long ago: who has made it again in the place of an old one is about to use it.
     */
    static boolean isOld(Path path, Duration age) {
        try {
            var changed = Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS);
            return changed.toInstant().isBefore(Instant.now().minus(age));
        } catch (IOException e) {
            return false;
        }
    }

    private static LeftoverScan scan(Cli cli, Node node, Duration age) {
        return new LeftoverScan(node, cli.proc(), cli.globals().timeout(), age);
    }

    private static boolean isMeant(Leftover left, Globals globals) {
        var task = left.task();
        return globals.namespace() == null || (task != null && task.namespace().equals(globals.namespace()));
    }

    static Fields fields(Leftover left) {
        var task = left.task();
        return new Fields()
                .with("kind", left.kind().label())
                .with("namespace", task == null ? null : task.namespace())
                .with("id", task == null ? left.owner() : task.id())
                .with("path", left.path().toString())
                .with("why", left.why())
                .with("removable", left.removable());
    }

    static Listing listing() {
        return new Listing()
                .column("KIND", "kind")
                .column("NAMESPACE", "namespace")
                .column("ID", "id")
                .column("PATH", "path")
                .column("WHY", "why")
                .besides("removable");
    }
}
