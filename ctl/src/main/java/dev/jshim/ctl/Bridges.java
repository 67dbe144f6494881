package dev.jshim.ctl;

import dev.jshim.bridge.migrate.BridgeService;
import java.nio.file.Path;
import java.util.Objects;

/** What the commands of {@code bridge} share. */
final class Bridges {
    private Bridges() {}

    /** One that only looks: it needs no program of the bridge's. */
    static BridgeService reading(Cli cli) {
        var globals = cli.globals();
        var none = Objects.requireNonNullElse(BridgeBinary.find(), Path.of("/"));
        return new BridgeService(globals.paths(), globals.address(), null, globals.timeout(), none);
    }

    /** One that changes the node. */
    static BridgeService changing(Cli cli) {
        var binary = BridgeBinary.forChanges();
        var globals = cli.globals();
        var daemon = Migrations.readableDaemon(cli);
        return new BridgeService(
                globals.paths(), globals.address(daemon), daemon.ttrpcSocket(), globals.timeout(), binary);
    }

    static CliException failed(Exception e, String hint) {
        var failure = CliException.failed(String.valueOf(e.getMessage()), hint);
        failure.initCause(e);
        return failure;
    }

    /** Writes what was done, in one line or as an object. */
    static void write(Cli cli, String action, BridgeService.Done done) {
        done.notes().forEach(cli::note);
        if (cli.globals().isJson()) {
            Json.write(
                    cli.out(),
                    new Fields()
                            .with("action", action)
                            .with("changed", done.changed())
                            .with("bridgePid", TaskFields.known(done.pid())));
        } else {
            cli.out().println("bridge: " + action + (done.pid() == 0 ? "" : ", pid " + done.pid()));
        }
    }
}
