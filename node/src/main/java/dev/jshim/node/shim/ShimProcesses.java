package dev.jshim.node.shim;

import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the process that serves a bundle without asking it. A recorded pid counts only if a shim of this task has it:
 * pids are used again.
 */
public final class ShimProcesses {
    /** How the kernel names containerd's shims, of any vendor, and those of Docker's own containerd (17.x). */
    public static final Set<String> NAMES = Set.of("containerd-shim", "docker-containe");

    private final ProcFs proc;
    private final List<Candidate> shims;

    /** Looks at the processes that there are now. What calls itself a shim in a container is none of this machine's. */
    public ShimProcesses(ProcFs proc) {
        this.proc = proc;
        this.shims = proc.named(NAMES).stream()
                .filter(process -> process.program().contains("containerd-shim") && !process.hasEnded())
                .filter(process -> !proc.isElsewhere(process.pid()))
                .map(Candidate::of)
                .toList();
    }

    /** A process with the name of a shim; parsed once, since each bundle looks at all of them. */
    private record Candidate(
            ProcessFacts process,
            @Nullable ShimFlags flags,
            @Nullable String id,
            @Nullable String namespace) {
        static Candidate of(ProcessFacts process) {
            var isV2 = isV2Shim(process.program());
            return new Candidate(
                    process,
                    ShimFlags.parse(process.argv()),
                    isV2 ? flag(process, "-id") : null,
                    isV2 ? flag(process, "-namespace") : null);
        }
    }

    /**
     * The shim of a bundle; null if none is found. Asked in this order: {@code shim.pid}, the flags of all processes,
     * the parent of init.
     */
    public @Nullable ProcessFacts of(Bundle bundle) {
        var recorded = proc.facts(bundle.recordedShimPid());
        if (recorded != null && isShimOf(recorded, bundle)) {
            return recorded;
        }
        for (var candidate : shims) {
            if (servesByFlags(candidate, bundle)) {
                return candidate.process();
            }
        }
        var init = verifiedInit(bundle, null);
        var parent = init == null ? null : proc.facts(init.ppid());
        return parent != null && isShimOf(parent, bundle) ? parent : null;
    }

    /** The init process that {@code init.pid} names; null if it has exited and was reaped. */
    public @Nullable ProcessFacts init(Bundle bundle) {
        return proc.facts(bundle.initPid());
    }

    /**
     * The init process, unless another process has its pid by now; null as for {@link #init}.
     *
     * @param shim what {@link #of} found
     */
    public @Nullable ProcessFacts verifiedInit(Bundle bundle, @Nullable ProcessFacts shim) {
        var init = init(bundle);
        if (init == null) {
            return null;
        }
        var runtime = OciRuntime.of(bundle, shim).state(bundle.task());
        return InitCheck.of(init, bundle, runtime, proc) == InitCheck.OTHER ? null : init;
    }

    /**
     * Whether the pid of init is another process's by now; false if none has it.
     *
     * @param shim what {@link #of} found
     */
    public boolean isInitReused(Bundle bundle, @Nullable ProcessFacts shim) {
        return init(bundle) != null && verifiedInit(bundle, shim) == null;
    }

    /** Whether it can be the shim of this bundle: for a v1 shim its flags must say so. */
    private boolean isShimOf(ProcessFacts process, Bundle bundle) {
        if (process.hasEnded()) {
            return false;
        }
        if (bundle instanceof V1Bundle v1) {
            return servesByFlags(Candidate.of(process), v1);
        }
        // a v2 shim may serve more tasks than the one that it was started for, and some program may run it
        return process.isKeeper()
                || isV2Shim(process.name())
                || process.argv().stream().anyMatch(word -> isV2Shim(word.substring(word.lastIndexOf('/') + 1)));
    }

    private static boolean isV2Shim(String name) {
        return name.startsWith("containerd-shim-");
    }

    private boolean servesByFlags(Candidate candidate, Bundle bundle) {
        var process = candidate.process();
        var flags = candidate.flags();
        if (bundle instanceof V1Bundle v1) {
            return flags != null && flags.namespace().equals(v1.task().namespace()) && isWorkOf(flags, process, v1);
        }
        return bundle.task().id().equals(candidate.id())
                && bundle.task().namespace().equals(candidate.namespace());
    }

    /** By -workdir, else by the working directory, which is the bundle (1.6.20, runtime/v1/shim/client/client.go). */
    private boolean isWorkOf(ShimFlags flags, ProcessFacts process, V1Bundle bundle) {
        if (!flags.workdir().isEmpty()) {
            return flags.workdir().equals(bundle.work().toString());
        }
        return bundle.path().equals(proc.cwd(process.pid()));
    }

    private static @Nullable String flag(ProcessFacts process, String name) {
        var argv = process.argv();
        for (var i = 0; i + 1 < argv.size(); i++) {
            if (argv.get(i).equals(name)) {
                return argv.get(i + 1);
            }
        }
        return null;
    }
}
