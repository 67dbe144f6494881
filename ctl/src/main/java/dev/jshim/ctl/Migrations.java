package dev.jshim.ctl;

import dev.jshim.bridge.migrate.Migration;
import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.bridge.migrate.Plan;
import dev.jshim.bridge.migrate.PlanRow;
import dev.jshim.bridge.migrate.Report;
import dev.jshim.bridge.migrate.ReportRow;
import dev.jshim.bridge.migrate.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the commands of {@code migrate} share: how a migration is made, and how its plan and report are written. */
final class Migrations {
    /** Where this tree is; set by the launcher. */
    private static final String HOME_PROPERTY = "jshim.home";

    private static final String HOME_VARIABLE = "JSHIM_HOME";
    private static final Path BRIDGE = Path.of("bin/containerd-shim-v1-linux");

    private Migrations() {}

    /** One that only looks: it needs no bridge. */
    static Migration reading(Cli cli) {
        return of(cli, Objects.requireNonNullElse(bridge(), Path.of("/").resolve(BRIDGE)));
    }

    /** One that changes the node. */
    static Migration changing(Cli cli) {
        if (!Privileges.isRoot()) {
            throw CliException.failed("a migration changes the node, and you are not root", "run jshimctl as root");
        }
        var bridge = bridge();
        if (bridge == null || !Files.isExecutable(bridge)) {
            throw CliException.failed(
                    "the bridge " + (bridge == null ? BRIDGE : bridge) + " is not there",
                    "run jshimctl out of an installed tree, or set " + HOME_VARIABLE + " to one");
        }
        return of(cli, bridge);
    }

    private static Migration of(Cli cli, Path bridge) {
        var globals = cli.globals();
        return new Migration(globals.paths(), globals.address(), globals.timeout(), bridge, cli::note);
    }

    private static @Nullable Path bridge() {
        var home = System.getProperty(HOME_PROPERTY, System.getenv(HOME_VARIABLE));
        if (home == null || home.isEmpty()) {
            return null;
        }
        try {
            return Path.of(home).toRealPath().resolve(BRIDGE);
        } catch (IOException e) {
            return null;
        }
    }

    /** What to say where a migration could do nothing; its message is made for people. */
    static CliException failed(MigrationException e) {
        var failure = CliException.failed(String.valueOf(e.getMessage()), "");
        failure.initCause(e);
        return failure;
    }

    static void write(Cli cli, Plan plan) {
        if (cli.globals().isJson()) {
            var rows = new ArrayList<Fields>();
            for (var row : plan.rows()) {
                rows.add(fields(row));
            }
            Json.write(cli.out(), new Fields().with("plan", rows).with("problems", plan.problems()));
            return;
        }
        var table = new Table("NAMESPACE", "ID", "PID", "SHIM", "SOCKET", "KIND", "REACHABLE", "ACTION", "REASON");
        for (var row : plan.rows()) {
            table.row(
                    row.namespace(),
                    row.id(),
                    TaskFields.known(row.pid()),
                    TaskFields.known(row.shimPid()),
                    row.socket(),
                    row.socketKind(),
                    row.reachable() ? "yes" : "no",
                    row.action(),
                    row.reason());
        }
        table.write(cli.out());
        plan.problems().forEach(problem -> cli.note("apply would refuse: " + problem));
    }

    private static Fields fields(PlanRow row) {
        return new Fields()
                .with("namespace", row.namespace())
                .with("id", row.id())
                .with("pid", TaskFields.known(row.pid()))
                .with("shimPid", TaskFields.known(row.shimPid()))
                .with("socket", TaskFields.known(row.socket()))
                .with("socketKind", TaskFields.known(row.socketKind()))
                .with("reachable", row.reachable())
                .with("action", row.action())
                .with("reason", TaskFields.known(row.reason()));
    }

    /** Writes what was found and answers with the exit code. */
    static int write(Cli cli, Verification verification) {
        if (cli.globals().isJson()) {
            Json.write(
                    cli.out(),
                    new Fields()
                            .with("good", verification.isGood())
                            .with("containers", fields(verification.rows()))
                            .with("problems", verification.problems()));
        } else {
            table(cli, verification.rows());
            verification.problems().forEach(cli::note);
        }
        return verification.isGood() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static List<Fields> fields(List<ReportRow> rows) {
        return rows.stream()
                .map(row -> new Fields()
                        .with("namespace", row.namespace())
                        .with("id", row.id())
                        .with("result", row.result())
                        .with("reason", TaskFields.known(row.reason())))
                .toList();
    }

    private static void table(Cli cli, List<ReportRow> rows) {
        var table = new Table("NAMESPACE", "ID", "RESULT", "REASON");
        for (var row : rows) {
            table.row(row.namespace(), row.id(), row.result(), row.reason());
        }
        table.write(cli.out());
    }

    /** Writes a report and answers with the exit code. */
    static int write(Cli cli, Report report) {
        if (cli.globals().isJson()) {
            Json.write(
                    cli.out(),
                    new Fields()
                            .with("complete", report.complete())
                            .with("containers", fields(report.rows()))
                            .with("nextSteps", report.nextSteps()));
        } else {
            table(cli, report.rows());
            report.nextSteps().forEach(step -> cli.out().println("next: " + Text.oneLine(step)));
        }
        return report.complete() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
