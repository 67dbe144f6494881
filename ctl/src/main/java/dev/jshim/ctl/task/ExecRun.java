package dev.jshim.ctl.task;

import com.google.protobuf.Any;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.linux.SignalHandler;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.Stdio;
import dev.jshim.task.client.ShimTask;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One command in a container, from its start to its end or until we leave it. However it ends, our terminal is then as
 * it was: after an error, and after SIGTERM, SIGINT and SIGHUP, by a hook of the JVM.
 */
final class ExecRun {
    private static final Duration EVER = Duration.ofDays(36500);
    private static final Duration DRAIN = Duration.ofSeconds(5);
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);
    private static final int SIGHUP = 1;
    private static final int SIGINT = 2;
    private static final int SIGTERM = 15;
    private static final int INTERRUPTED = 128 + SIGINT;

    private final Cli cli;
    private final Bundle bundle;
    private final ShimTask shim;
    private final String execId;
    private final ExecStreams streams;
    private final DetachKeys keys;
    private final @Nullable ExecTerminal terminal;

    /** Its exit; empty when somebody left it. */
    private final CompletableFuture<Optional<Answer<Exit>>> end = new CompletableFuture<>();

    /** @param terminal null if the command has none */
    ExecRun(
            Cli cli,
            Bundle bundle,
            ShimTask shim,
            String execId,
            ExecStreams streams,
            DetachKeys keys,
            @Nullable ExecTerminal terminal) {
        this.cli = cli;
        this.bundle = bundle;
        this.shim = shim;
        this.execId = execId;
        this.streams = streams;
        this.keys = keys;
        this.terminal = terminal;
    }

    /** Runs a process; answers its exit status. */
    int of(Any process) {
        var stdio = new Stdio(streams.stdin(), streams.stdout(), streams.stderr(), terminal != null);
        call(() -> shim.exec(new ExecRequest(execId, stdio, process)));
        var hook = Thread.ofPlatform().name("exec-end").unstarted(this::hangUp);
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return started();
        } finally {
            restore();
            forget(hook);
        }
    }

    private int started() {
        var kept = false;
        try {
            takeTerminal();
            call(() -> shim.start(execId, _ -> {}));
            followSize();
            if (!streams.stdin().isEmpty()) {
                streams.feed(
                        System.in,
                        keys,
                        () -> ask(() -> shim.closeStdin(execId)),
                        () -> end.complete(Optional.empty()));
            }
            Thread.ofVirtual().name("exec-wait").start(this::await);
            var exit = end.join();
            kept = exit.isEmpty();
            return kept ? leave() : status(exit.orElseThrow());
        } finally {
            if (!kept) {
                delete();
            }
        }
    }

    private void takeTerminal() {
        var own = terminal;
        if (own != null) {
            own.raw();
            return;
        }
        var again = new AtomicBoolean();
        try {
            SignalHandler.install("INT", () -> {
                if (again.getAndSet(true)) {
                    System.exit(INTERRUPTED);
                }
                var _ = ask(() -> shim.kill(execId, SIGINT, false));
            });
        } catch (ReflectiveOperationException e) {
            // then Ctrl-C ends us, and with us the command
            return;
        }
    }

    private void followSize() {
        var own = terminal;
        if (own != null) {
            own.follow(size -> ask(() -> shim.resize(execId, size.columns(), size.rows())));
        }
    }

    private void await() {
        try {
            end.complete(Optional.of(await(EVER)));
        } catch (RuntimeException e) {
            end.completeExceptionally(e);
        }
    }

    private Answer<Exit> await(Duration patience) {
        return Answer.of(patience, () -> shim.await(execId, patience));
    }

    private Answer<Boolean> ask(Runnable call) {
        return Answer.of(cli.globals().timeout(), call);
    }

    private void call(Runnable call) {
        var _ = ShimCall.value(bundle, ask(call));
    }

    private int status(Answer<Exit> answer) {
        var exit = ShimCall.value(bundle, answer);
        streams.drain(DRAIN);
        return exit.status();
    }

    private int leave() {
        streams.leave();
        restore();
        cli.err().println();
        cli.note("detached: the command keeps running as exec " + execId + " of " + bundle.task());
        cli.note("\"jshimctl kill " + bundle.task().id() + " --exec " + execId + " -s HUP\" ends it");
        return ExitCode.OK;
    }

    /** At a signal that ends us: the command gets one too, SIGHUP if it has a terminal. */
    private void hangUp() {
        restore();
        var _ = ask(() -> shim.kill(execId, terminal == null ? SIGTERM : SIGHUP, false));
        streams.close();
        if (await(LAST_WORDS) instanceof Answer.Answered<Exit>) {
            var _ = ask(() -> shim.delete(execId));
        }
    }

    private void restore() {
        if (terminal != null) {
            terminal.close();
        }
    }

    private void delete() {
        if (ask(() -> shim.delete(execId)) instanceof Answer.Mute<Boolean> mute) {
            restore();
            cli.note("the exec " + execId + " was not removed: the shim is " + mute.describe());
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // it runs: it was what ended the command, and the JVM is to end behind it with the status of the signal
            LockSupport.parkNanos(DRAIN.toNanos());
        }
    }
}
