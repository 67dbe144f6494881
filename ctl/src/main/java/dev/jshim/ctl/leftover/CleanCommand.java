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
        description = "Remove leftovers; without --yes only list what would be removed.",
        footer = {
            "",
            "It touches nothing of a live container or shim, and signals no process. If containerd is up and has a",
            "container of that id, its bundle is kept: use \"ctr task delete\". Each item is checked again before it is",
            "removed. Exits with 3 if something was kept.",
            "",
            "Examples:",
            "  jshimctl clean",
            "  jshimctl clean -n default --yes"
        })
public final class CleanCommand implements Callable<Integer>, Lists {
    private final Cli cli;

    @Mixin
    private final AgeOption age = new AgeOption();

    @Option(names = "--yes", description = "make the changes")
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
            throw CliException.failed("clean needs root", "run jshimctl as root");
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
            cli.note("nothing was changed; add --yes to make the changes");
        }
        return complete ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static @Nullable String reason(Leftover left, Set<Leftover> keep) {
        if (!left.removable()) {
            return "clean ends no process: end it by its pid";
        }
        return keep.contains(left) ? "containerd has a container of this id: use \"ctr task delete\"" : null;
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
