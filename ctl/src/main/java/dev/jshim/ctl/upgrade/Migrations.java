package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.Candidate;
import dev.jshim.bridge.migrate.Migration;
import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.bridge.migrate.OldDaemon;
import dev.jshim.bridge.migrate.Plan;
import dev.jshim.bridge.migrate.Progress;
import dev.jshim.bridge.migrate.Report;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.ProgressBar;
import dev.jshim.ctl.leftover.Strays;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.daemon.DockerDaemon;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** What the commands of {@code migrate} share: how a migration is made, and how its plan and report are written. */
final class Migrations {
    /** The rows of a plan. A socket's path takes 90 columns: its kind says enough, as a rule. */
    static final Listing PLAN = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("PID", "pid")
            .column("SHIM", "shimPid")
            .column("SOCKET", "socketKind")
            .column("REACHABLE", "reachable")
            .column("ACTION", "action")
            .column("REASON", "reason")
            .wide("RUNTIME", "runtime")
            .wide("ADDRESS", "socket")
            .named(TaskFields::name)
            .spare("SOCKET", "SHIM");

    private static final Listing REPORT = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("RESULT", "result")
            .column("REASON", "reason");

    private Migrations() {}

    /** One that only looks: it needs no bridge. */
    static Migration reading(Cli cli) {
        return of(cli, Objects.requireNonNullElse(BridgeBinary.find(), Path.of("/")), daemon(cli));
    }

    /** One that only looks at what was added, however broken containerd's configuration is by now. */
    static Migration looking(Cli cli) {
        return of(cli, Objects.requireNonNullElse(BridgeBinary.find(), Path.of("/")), readableDaemon(cli));
    }

    /** What is done to a node. */
    @FunctionalInterface
    interface Change {
        Report of(Migration migration) throws MigrationException;
    }

    /** Takes away, however broken containerd's configuration is by now; answers with the exit code. */
    static int undo(Cli cli, Change change) {
        return change(cli, readableDaemon(cli), change);
    }

    /** Changes the node, and answers with the exit code. */
    static int change(Cli cli, Change change) {
        return change(cli, daemon(cli), change);
    }

    private static int change(Cli cli, DaemonConfig daemon, Change change) {
        Report report;
        try (var progress = ProgressBar.of(cli)) {
            report = change.of(of(cli, BridgeBinary.forChanges(), daemon, progress));
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
        return write(cli, report);
    }

    private static Migration of(Cli cli, Path bridge, DaemonConfig daemon) {
        return of(cli, bridge, daemon, cli::note);
    }

    private static Migration of(Cli cli, Path bridge, DaemonConfig daemon, Progress progress) {
        var globals = cli.globals();
        return new Migration(globals.existing(), globals.address(daemon), daemon, globals.timeout(), bridge, progress);
    }

    /** containerd's configuration; the defaults, with a note, if it cannot be read. */
    static DaemonConfig readableDaemon(Cli cli) {
        try {
            return daemon(cli);
        } catch (CliException e) {
            cli.note(String.valueOf(e.getMessage()));
            return DaemonConfig.DEFAULTS;
        }
    }

    private static DaemonConfig daemon(Cli cli) {
        try {
            return new OldDaemon(cli.globals().paths()).find(cli.globals().config());
        } catch (IOException e) {
            throw CliException.failed(e);
        }
    }

    /** Shows what an adoption would do, and what containerd 2.x will make of the configuration. */
    static int plan(Cli cli, NewDaemonOptions newDaemon) {
        try {
            var plan = reading(cli).plan(cli.globals().namespace());
            var findings = newDaemon.findings(cli, daemon(cli).files());
            write(cli, plan, findings);
            var isGood = plan.problems().isEmpty()
                    && plan.strays().isEmpty()
                    && findings.stream().noneMatch(Finding::isError)
                    && plan.rows().stream().noneMatch(row -> row.action().equals("refuse"));
            return isGood ? ExitCode.OK : ExitCode.FINDINGS;
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }

    private static void write(Cli cli, Plan plan, List<Finding> findings) {
        var rows = plan.rows().stream().map(Migrations::fields).toList();
        var fields = new Fields()
                .with("plan", rows)
                .with("problems", plan.problems())
                .with("configuration", findings.stream().map(Finding::fields).toList());
        cli.show(Strays.with(fields, plan.strays(), plan.others()), () -> {
            PLAN.write(cli, rows);
            if (cli.globals().isTable()) {
                Finding.write(cli, findings);
            }
            var globals = cli.globals();
            for (var docker : DockerDaemon.of(cli.proc(), globals.paths(), globals.address())) {
                cli.note(HostChecks.describe(docker, globals.timeout()));
            }
            plan.problems().forEach(problem -> cli.note("apply would refuse: " + problem));
            Strays.note(cli, plan.strays(), plan.others());
        });
    }

    private static Fields fields(Candidate row) {
        return new Fields()
                .with("namespace", row.task().namespace())
                .with("id", row.task().id())
                .with("pid", TaskFields.known(row.pid()))
                .with("shimPid", TaskFields.known(row.shimPid()))
                .with("socket", TaskFields.known(row.socket()))
                .with("socketKind", TaskFields.known(row.socketKind()))
                .with("runtime", TaskFields.known(row.runtime()))
                .with("reachable", row.reachable())
                .with("action", row.action())
                .with("reason", TaskFields.known(row.reason()));
    }

    /** Writes what was found and answers with the exit code. */
    static int writeVerified(Cli cli, Report verification) {
        var rows = fields(verification.rows());
        var fields = new Fields()
                .with("good", verification.complete())
                .with("containers", rows)
                .with("problems", verification.nextSteps());
        cli.show(fields, () -> {
            REPORT.write(cli, rows);
            verification.nextSteps().forEach(cli::note);
        });
        return verification.complete() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static List<Fields> fields(List<Report.Row> rows) {
        return rows.stream()
                .map(row -> new Fields()
                        .with("namespace", row.task().namespace())
                        .with("id", row.task().id())
                        .with("result", row.result())
                        .with("reason", TaskFields.known(row.reason())))
                .toList();
    }

    /** Writes a report and answers with the exit code. */
    static int write(Cli cli, Report report) {
        var rows = fields(report.rows());
        var fields = new Fields()
                .with("complete", report.complete())
                .with("containers", rows)
                .with("nextSteps", report.nextSteps());
        cli.show(fields, () -> {
            REPORT.write(cli, rows);
            report.nextSteps().forEach(step -> cli.out().println("next: " + Text.oneLine(step)));
        });
        return report.complete() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
