package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.Status;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.TaskFields;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "verify",
        description = "Make the calls that containerd makes for each adopted bundle when it starts; changes nothing.",
        footer = {
            "",
            "containerd 2.x deletes a bundle that does not answer Connect and Pids. So run this before you start it: it",
            "exits with 3 if a start would lose a container. It asks all bundles at once; --timeout is for all",
            "together. If nothing is adopted it exits with 0."
        })
final class BridgeVerifyCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(
            names = {"-q", "--quiet"},
            description = "show only bundles that do not answer")
    private boolean quiet;

    BridgeVerifyCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var verification = Bridges.reading(cli).verify();
        cli.show(fields(verification), () -> table(verification));
        if (verification.isGood()) {
            return ExitCode.OK;
        }
        cli.note(
                "do not start containerd 2.x now: it would delete the bundles that do not answer. Run \"jshimctl bridge"
                        + " start\", verify again, and see "
                        + cli.globals().paths().state().resolve("jshim/bridge.log"));
        return ExitCode.FINDINGS;
    }

    private void table(Status verification) {
        var table = new Table("NAMESPACE", "ID", "ANSWERS", "REASON");
        for (var row : verification.rows()) {
            var good = row.reason().isEmpty();
            if (!quiet || !good) {
                table.row(
                        row.task().namespace(),
                        row.task().id(),
                        good ? row.answerMillis() + " ms" : "no",
                        row.reason());
            }
        }
        if (!quiet || !verification.isGood()) {
            table.write(cli.out());
        }
    }

    private static Fields fields(Status verification) {
        var rows = new ArrayList<Fields>();
        for (var row : verification.rows()) {
            rows.add(new Fields()
                    .with("namespace", row.task().namespace())
                    .with("id", row.task().id())
                    .with("answers", row.reason().isEmpty())
                    .with("answerMillis", row.reason().isEmpty() ? row.answerMillis() : null)
                    .with("reason", TaskFields.known(row.reason())));
        }
        return new Fields()
                .with("good", verification.isGood())
                .with("millis", verification.took().toMillis())
                .with("containers", rows);
    }
}
