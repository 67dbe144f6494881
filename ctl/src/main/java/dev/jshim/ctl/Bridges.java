package dev.jshim.ctl;

import dev.jshim.bridge.migrate.BridgeService;
import java.nio.file.Path;
import java.util.Objects;

/** What the commands of {@code bridge} share. */
final class Bridges {
    private Bridges() {}

    /** One that only looks: it needs no program of the bridge's. */
    static BridgeService reading(Cli cli) {
        return of(cli, Objects.requireNonNullElse(BridgeBinary.find(), Path.of("/")));
    }

    /** One that changes the node. */
    static BridgeService changing(Cli cli) {
        return of(cli, BridgeBinary.forChanges());
    }

    private static BridgeService of(Cli cli, Path binary) {
        var globals = cli.globals();
        return new BridgeService(globals.paths(), globals.address(), globals.timeout(), binary);
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
