package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.RuntimeCall;
import dev.jshim.ctl.output.Fields;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.shim.GoBuildInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is known of a process, as {@link Fields}. */
final class ProcessFields {
    /** USER_HZ, the same on x86-64 and aarch64 (times(2)). */
    private static final long TICKS_PER_SECOND = 100;

    /** The first jar of our own programs' class path. */
    private static final Pattern OWN = Pattern.compile("/(?:shim-v2|v1-bridge)-([0-9][^/: ]*)\\.jar");

    private static final Pattern VERSION = Pattern.compile("(?m)^\\s*Version:\\s*(\\S+)");
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private ProcessFields() {}

    /** Null for no process. */
    static @Nullable Fields of(@Nullable ProcessFacts process, ProcFs proc) {
        if (process == null) {
            return null;
        }
        var usage = proc.usage(process.pid());
        var exe = process.exe();
        var started = started(process, proc);
        return new Fields()
                .with("pid", process.pid())
                .with("ppid", process.ppid())
                .with("state", String.valueOf(process.state()))
                .with("startedAt", started == null ? null : started.toString())
                .with("uptimeSeconds", started == null ? null : uptime(started))
                .with("startTicks", process.ref().startTicks())
                .with("binary", exe == null ? null : exe.toString())
                .with("version", version(process, proc))
                .with("argv", String.join(" ", process.argv()))
                .with("rssKib", usage == null ? null : usage.rssKib())
                .with("pssKib", usage == null || usage.pssKib() < 0 ? null : usage.pssKib())
                .with("threads", usage == null ? null : usage.threads())
                .with("fds", usage == null ? null : usage.fds())
                .with("oomScoreAdj", usage == null ? null : usage.oomScoreAdj());
    }

    private static @Nullable Instant started(ProcessFacts process, ProcFs proc) {
        var boot = proc.bootTime();
        return boot == 0 ? null : Instant.ofEpochSecond(boot + process.ref().startTicks() / TICKS_PER_SECOND);
    }

    private static long uptime(Instant started) {
        return Math.max(
                0,
                Duration.between(started, Instant.now().truncatedTo(ChronoUnit.SECONDS))
                        .toSeconds());
    }

    private static @Nullable String version(ProcessFacts process, ProcFs proc) {
        var own = OWN.matcher(String.join(" ", process.argv()));
        if (own.find()) {
            return "jshim " + own.group(1);
        }
        var built = built(process, proc);
        return built == null ? told(process, proc) : built;
    }

    /** Of a v2 shim that was built without that: each has a flag for it, which containerd itself uses. */
    private static @Nullable String told(ProcessFacts process, ProcFs proc) {
        if (!process.program().startsWith("containerd-shim-")) {
            return null;
        }
        var outcome = RuntimeCall.run(List.of(proc.program(process.pid()).toString(), "-v"), PATIENCE);
        var line = VERSION.matcher(outcome.all());
        return outcome.done() && line.find() ? line.group(1) : null;
    }

    /** Of a program made by Go, as its linker wrote it down; through /proc, since the file may have been replaced. */
    private static @Nullable String built(ProcessFacts process, ProcFs proc) {
        try {
            for (var line :
                    GoBuildInfo.read(proc.program(process.pid())).lines().toList()) {
                var fields = line.split("\t", -1);
                if (fields.length > 2 && fields[0].equals("mod")) {
                    return fields[1] + " " + fields[2];
                }
            }
        } catch (IOException e) {
            return null;
        }
        return null;
    }
}
