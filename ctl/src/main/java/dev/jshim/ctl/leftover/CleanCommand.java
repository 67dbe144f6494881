package dev.jshim.ctl.leftover;

import dev.jshim.ctl.cli.AgeOption;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.Privileges;
import dev.jshim.ctl.output.Fields;
import dev.jshim.node.Answer;
import dev.jshim.node.daemon.RootDaemon;
import dev.jshim.node.leftover.Leftover;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "clean",
        description = "Remove what was left behind; without --yes only say what would be removed.",
        footer = {
            "",
            "Nothing of a living container or shim is touched, and no process is signalled. Where containerd is",
            "up and has a container of that id, its bundle is left to containerd: \"ctr task delete\". Each thing",
            "is looked at again before it is removed. Ends with 3 where something was left.",
            "",
            "Examples:",
            "  jshimctl clean",
            "  jshimctl clean -n default --yes"
        })
public final class CleanCommand implements Callable<Integer>, Lists {
    private final Cli cli;

    @Mixin
    private final AgeOption age = new AgeOption();

    @Option(names = "--yes", description = "do it")
    private boolean yes;

    /** What belongs to no task, looked at twice. */
    private @Nullable List<Leftover> others;

    public CleanCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return Leftovers.listing().column("RESULT", "result").column("REASON", "reason");
    }

    @Override
    public Integer call() {
        if (yes && !Privileges.isRoot()) {
            throw CliException.failed("cleaning changes the node, and you are not root", "run jshimctl as root");
        }
        var found = Leftovers.of(cli, age.age());
        var keep = containerdKnows(found);
        var cleaner = new Cleaner();
        var rows = new ArrayList<Fields>();
        var complete = true;
        for (var left : found) {
            var reason = reason(left, keep);
            if (reason == null && yes) {
                reason = again(left) ? cleaner.remove(left) : "it is in use now";
            }
            complete &= reason == null;
            var result = reason != null ? "kept" : yes ? "removed" : "would be removed";
            rows.add(Leftovers.fields(left).with("result", result).with("reason", reason));
        }
        cli.show(
                new Fields().with("changed", yes).with("leftovers", rows),
                () -> listing().write(cli, rows));
        if (!yes && !rows.isEmpty()) {
            cli.note("nothing was changed; add --yes to do it");
        }
        return complete ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static @Nullable String reason(Leftover left, Set<Leftover> keep) {
        if (!left.removable()) {
            return "a process is not ended by clean";
        }
        return keep.contains(left) ? "containerd has a container of this id: \"ctr task delete\" it" : null;
    }

    /** It is still there, and still nobody's. */
    private boolean again(Leftover left) {
        var task = left.task();
        if (task != null) {
            return Leftovers.again(cli, task, age.age()).contains(left);
        }
        if (others == null) {
            others = Leftovers.again(cli, age.age());
        }
        return others.contains(left) && Leftovers.isOld(left.path(), age.age());
    }

    /** Those whose container is on record in a containerd that is up, or that does not say. */
    private Set<Leftover> containerdKnows(List<Leftover> found) {
        if (found.isEmpty()) {
            return Set.of();
        }
        var globals = cli.globals();
        RootDaemon.Found daemon;
        try {
            daemon = new RootDaemon(globals.paths().root(), globals.address(), globals.timeout()).find();
        } catch (IOException e) {
            throw CliException.failed(String.valueOf(e.getMessage()), "nothing was changed");
        }
        if (daemon.version() instanceof Answer.Absent) {
            return Set.of();
        }
        var out = new HashSet<Leftover>();
        try (var client = daemon.client(globals.timeout())) {
            for (var left : found) {
                var task = left.task();
                if (task != null && (daemon.version().orNull() == null || !isUnknown(client.container(task)))) {
                    out.add(left);
                }
            }
        }
        return out;
    }

    private static boolean isUnknown(Answer<?> record) {
        return record instanceof Answer.Refused<?> refused && refused.code() == Status.Code.NOT_FOUND;
    }
}
