package dev.jshim.bridge;

import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.bridge.serve.BridgeDaemon;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.bridge.serve.Training;
import dev.jshim.shim.StartReply;
import dev.jshim.shim.keeper.Keeper;
import java.io.IOException;
import java.util.Arrays;

/**
 * {@code containerd-shim-v1-linux}. {@code bridge} serves adopted containers; all else is what a v2 shim does, for
 * containerd 2.x runs this binary for each container whose record names the v1 runtime.
 */
public final class Main {
    private Main() {}

    /** Runs one command and ends the process. */
    public static void main(String... args) throws Exception {
        var command = args.length == 0 ? "" : args[0];
        switch (command) {
            case "bridge" -> System.exit(bridge(Arrays.copyOfRange(args, 1, args.length)));
            case "aot-train" -> System.exit(Training.run());
            default -> System.exit(dev.jshim.shim.Main.run(OldRuntime::options, args));
        }
    }

    private static int bridge(String... args) throws Exception {
        BridgeFlags flags;
        try {
            flags = BridgeFlags.parse(args);
        } catch (IllegalArgumentException e) {
            System.err.println("containerd-shim-v1-linux: " + e.getMessage() + "\n" + BridgeFlags.USAGE);
            return 2;
        }
        BridgeDaemon daemon;
        try {
            var keeper = Keeper.inherited();
            daemon = BridgeDaemon.start(flags, keeper == null ? Keeper.none() : keeper);
        } catch (IOException e) {
            if (flags.reply()) {
                new StartReply().error(String.valueOf(e.getMessage()));
            }
            System.err.println("containerd-shim-v1-linux: " + e.getMessage());
            return 1;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(daemon::signalled, "signalled"));
        if (flags.reply()) {
            try {
                new StartReply().ok(Long.toString(ProcessHandle.current().pid()));
            } catch (IOException e) {
                // Who started it has been killed: without anything to serve nobody would ever end it.
                if (BridgeDaemon.isNothingLeft(flags.paths())) {
                    daemon.close();
                    return 1;
                }
            }
        }
        daemon.run();
        return 0;
    }
}
