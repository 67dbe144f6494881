package dev.jshim.ctl;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.leftover.BundlesCommand;
import dev.jshim.ctl.leftover.CleanCommand;
import dev.jshim.ctl.metrics.MetricsCommand;
import dev.jshim.ctl.show.EventsCommand;
import dev.jshim.ctl.show.FindCommand;
import dev.jshim.ctl.show.InspectCommand;
import dev.jshim.ctl.show.LsCommand;
import dev.jshim.ctl.show.PidsCommand;
import dev.jshim.ctl.show.SocketsCommand;
import dev.jshim.ctl.show.StacksCommand;
import dev.jshim.ctl.show.StateCommand;
import dev.jshim.ctl.show.StatsCommand;
import dev.jshim.ctl.show.TopCommand;
import dev.jshim.ctl.task.CallCommand;
import dev.jshim.ctl.task.ExecCommand;
import dev.jshim.ctl.task.KillCommand;
import dev.jshim.ctl.task.PauseCommand;
import dev.jshim.ctl.task.ResumeCommand;
import dev.jshim.ctl.task.WaitCommand;
import dev.jshim.ctl.upgrade.BridgeCommand;
import dev.jshim.ctl.upgrade.CheckCommand;
import dev.jshim.ctl.upgrade.MigrateCommand;
import dev.jshim.ctl.upgrade.ShimCommand;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine;

/**
 * All commands by name. To build picocli's model of one takes milliseconds, so that only those are made whose names
 * stand in the command line: one, as a rule.
 */
final class Commands {
    private static final Map<String, Function<Cli, Object>> ALL = all();

    private Commands() {}

    private static Map<String, Function<Cli, Object>> all() {
        var out = new LinkedHashMap<String, Function<Cli, Object>>();
        out.put("ls", LsCommand::new);
        out.put("inspect", InspectCommand::new);
        out.put("pids", PidsCommand::new);
        out.put("find", FindCommand::new);
        out.put("sockets", SocketsCommand::new);
        out.put("kill", KillCommand::new);
        out.put("state", StateCommand::new);
        out.put("wait", WaitCommand::new);
        out.put("stats", StatsCommand::new);
        out.put("pause", PauseCommand::new);
        out.put("resume", ResumeCommand::new);
        out.put("exec", ExecCommand::new);
        out.put("events", EventsCommand::new);
        out.put("call", CallCommand::new);
        out.put("stacks", StacksCommand::new);
        out.put("bundles", BundlesCommand::new);
        out.put("clean", CleanCommand::new);
        out.put("check", CheckCommand::new);
        out.put("top", TopCommand::new);
        out.put("metrics", cli -> new MetricsCommand(cli, Build.version()));
        out.put("migrate", MigrateCommand::commandLine);
        out.put("bridge", BridgeCommand::commandLine);
        out.put("shim", ShimCommand::commandLine);
        out.put("version", VersionCommand::new);
        out.put("completion", cli -> new CompletionCommand(cli, () -> commandLine(cli)));
        return out;
    }

    /** Other names for the same. */
    private static final Map<String, String> ALIASES = Map.of("list", "ls");

    static Set<String> names() {
        return ALL.keySet();
    }

    static boolean isKnown(String name) {
        return ALL.containsKey(name) || ALIASES.containsKey(name);
    }

    /** picocli's model of what a command line can need: the commands that it names, or all if it names none. */
    static CommandLine commandLine(Cli cli, String... args) {
        var command = new CommandLine(new Jshimctl(cli.globals()));
        of(cli, args).forEach(command::addSubcommand);
        return command;
    }

    private static List<Object> of(Cli cli, String... args) {
        var named = new LinkedHashMap<String, Object>();
        for (var arg : args) {
            var name = ALIASES.getOrDefault(arg, arg);
            var command = ALL.get(name);
            if (command != null && !named.containsKey(name)) {
                named.put(name, command.apply(cli));
            }
        }
        if (named.isEmpty()) {
            ALL.forEach((name, command) -> named.put(name, command.apply(cli)));
        }
        return List.copyOf(named.values());
    }
}
