package dev.jshim.node.shim;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The flags that a v1 shim was started with (1.6.20, cmd/containerd-shim/main_unix.go; the same names since 1.0). It
 * has none for the OCI binary: that came with Create.
 *
 * @param namespace empty if it was not given, as the other texts are
 */
public record ShimFlags(
        String namespace,
        String workdir,
        String address,
        String containerdBinary,
        String runtimeRoot,
        String criu,
        boolean systemdCgroup,
        boolean debug,
        String socket) {
    /** Of go-runc and the shim, if no flag says otherwise. */
    public static final String DEFAULT_RUNTIME_ROOT = "/run/containerd/runc";

    private static final List<String> SWITCHES = List.of("systemd-cgroup", "debug");

    /** Parses an argv; null if the program is not {@code containerd-shim}. Flags we do not know are passed over. */
    public static @Nullable ShimFlags parse(List<String> argv) {
        if (argv.isEmpty() || !isV1Shim(argv.getFirst())) {
            return null;
        }
        var flags = flags(argv);
        return new ShimFlags(
                flags.getOrDefault("namespace", ""),
                flags.getOrDefault("workdir", ""),
                flags.getOrDefault("address", ""),
                flags.getOrDefault("containerd-binary", "containerd"),
                flags.getOrDefault("runtime-root", DEFAULT_RUNTIME_ROOT),
                flags.getOrDefault("criu", ""),
                isSet(flags, "systemd-cgroup"),
                isSet(flags, "debug"),
                flags.getOrDefault("socket", ""));
    }

    /** Go's flag package: {@code -f v}, {@code -f=v}, one dash or two, the first other word ends them. */
    private static Map<String, String> flags(List<String> argv) {
        var out = new HashMap<String, String>();
        for (var i = 1; i < argv.size(); i++) {
            var word = argv.get(i);
            if (!word.startsWith("-") || word.equals("--") || word.equals("-")) {
                break;
            }
            var name = word.substring(word.startsWith("--") ? 2 : 1);
            var equals = name.indexOf('=');
            if (equals >= 0) {
                out.put(name.substring(0, equals), name.substring(equals + 1));
            } else if (SWITCHES.contains(name)) {
                out.put(name, "true");
            } else if (i + 1 < argv.size()) {
                i++;
                out.put(name, argv.get(i));
            }
        }
        return out;
    }

    private static boolean isSet(Map<String, String> flags, String name) {
        // the words that strconv.ParseBool takes for true
        return List.of("1", "t", "T", "TRUE", "true", "True").contains(flags.getOrDefault(name, ""));
    }

    private static boolean isV1Shim(String program) {
        var name = program.substring(program.lastIndexOf('/') + 1);
        return name.equals("containerd-shim") || name.equals("docker-containerd-shim");
    }
}
