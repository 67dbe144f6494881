package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.shim.KeptShim;
import dev.jshim.node.shim.ShimKeepers;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.proto.v2.control.ControlGrpc;
import dev.jshim.proto.v2.control.ReplaceRequest;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "replace",
        description = "Replace the JVM of running shims with that of this jshimctl's tree; containers keep running.",
        footer = {
            "",
            "The keeper holds all connections and streams meanwhile, so neither containerd nor a client notices. If the new",
            "JVM does not come up, the keeper starts the previous one again, and the command fails. A shim may serve many",
            "containers; the new JVM serves all of them. --all means each shim of this containerd (--address), or of one",
            "namespace of it (-n), even a shim without containers.",
            "Exits with 3 if only some could be replaced."
        })
final class ShimReplaceCommand implements Callable<Integer> {
    private static final String PROGRAM = "containerd-shim-v2-oci";
    /** The keeper gives a new JVM 30 s, and as long to the old one after it. */
    private static final Duration REPLACED = Duration.ofSeconds(70);

    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Cli cli;

    @Parameters(paramLabel = "ID", arity = "0..*", description = "containers whose shims are to be replaced")
    private List<String> ids = List.of();

    @Option(names = "--all", description = "all shims of this containerd")
    private boolean all;

    ShimReplaceCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (all == !ids.isEmpty()) {
            throw CliException.usage(
                    "no shim was named", "give container IDs, or --all for the shims of all containers");
        }
        var programs = BridgeBinary.forChanges().getParent();
        var rows = new ArrayList<Fields>();
        for (var shim : all ? cli.reader().shims() : named()) {
            rows.add(replaced(shim, programs));
        }
        cli.show(
                new Fields().with("shims", rows),
                () -> rows.stream()
                        .filter(row -> row.get("error") == null)
                        .forEach(row -> cli.out()
                                .println("shim " + row.get("shimPid") + ": replaced, JVM pid " + row.get("jvmPid"))));
        var failed = rows.stream().filter(row -> row.get("error") != null).toList();
        failed.forEach(row -> cli.note("shim " + row.get("shimPid") + ": " + row.get("error")));
        return failed.isEmpty() ? ExitCode.OK : failed.size() < rows.size() ? ExitCode.FINDINGS : ExitCode.FAILED;
    }

    private Set<KeptShim> named() {
        var out = new LinkedHashSet<KeptShim>();
        var processes = new ShimProcesses(cli.proc());
        var keepers = ShimKeepers.read();
        for (var id : ids) {
            var bundle = cli.reader().v2Bundle(id);
            var shim = keepers.of(processes.of(bundle));
            if (shim == null) {
                throw CliException.failed(
                        "the shim of " + bundle.task() + " has no keeper and cannot be replaced",
                        "it is another vendor's, or of a jshim without keepers; \"jshimctl inspect "
                                + bundle.task().id() + "\" shows it");
            }
            out.add(shim);
        }
        return out;
    }

    private Fields replaced(KeptShim shim, @Nullable Path programs) {
        var keeper = shim.keeper().keeper();
        var row = new Fields().with("shimPid", keeper.pid()).with("namespace", shim.namespace());
        try {
            return row.with("jvmPid", replace(shim, program(shim, programs))).with("error", null);
        } catch (IOException e) {
            return row.with("jvmPid", null).with("error", e.getMessage());
        }
    }

    /** The one of the same name, in the tree's own place and not that of a link to it: the keeper may need it again. */
    private Path program(KeptShim shim, @Nullable Path programs) throws IOException {
        var jvm = cli.proc().facts(shim.keeper().process().pid());
        var name = jvm == null || !jvm.name().startsWith("containerd-shim-") ? PROGRAM : jvm.name();
        var program = (programs == null ? Path.of("/") : programs).toRealPath().resolve(name);
        if (!Files.isExecutable(program)) {
            throw new IOException(program + " does not exist: run jshimctl from the new tree");
        }
        return program;
    }

    /** Returns the pid of the JVM that serves now. */
    private int replace(KeptShim shim, Path program) throws IOException {
        if (!shim.isTtrpc()) {
            throw new IOException(
                    "it speaks gRPC, and its connections would end with its process: it was not replaced");
        }
        var before = shim.keeper().process();
        var timeout = cli.globals().timeout();
        try (var channel = TtrpcChannel.connect(shim.socket(), timeout)) {
            var _ = ControlGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .replace(ReplaceRequest.newBuilder()
                            .addCommand(program.toString())
                            .addCommand("serve")
                            .build());
        } catch (StatusRuntimeException e) {
            var why = e.getStatus().getDescription();
            throw new IOException(
                    "cannot replace it: " + (why == null ? e.getStatus().getCode() : why), e);
        }
        return await(shim.keeper().keeper(), before);
    }

    private int await(ProcessId keeper, ProcessId before) throws IOException {
        var deadline = Deadline.in(REPLACED);
        while (!deadline.isOver()) {
            var facts = cli.proc().facts(keeper.pid());
            var now = facts == null || !facts.ref().equals(keeper)
                    ? null
                    : ShimKeepers.read().of(facts);
            if (now == null) {
                throw new IOException("the shim has exited; its last container may be gone");
            }
            var state = now.keeper();
            if (!state.process().equals(before) && state.isServing()) {
                if (state.hasFailed()) {
                    throw new IOException("the new JVM did not come up, and one of the previous tree serves again; see"
                            + " containerd's log");
                }
                return state.process().pid();
            }
            pause();
        }
        throw new IOException("no JVM serves after " + REPLACED.toSeconds() + " s; its keeper keeps trying");
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
