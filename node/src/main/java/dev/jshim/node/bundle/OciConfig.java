package dev.jshim.node.bundle;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A bundle's config.json, as far as it was readable. */
public sealed interface OciConfig {
    /**
     * What people ask of it.
     *
     * @param namespaces the kinds of new or joined namespaces, {@code kind} or {@code kind:path}
     * @param cgroupsPath empty where the runtime chooses
     */
    record Spec(
            List<String> args,
            String cwd,
            String hostname,
            boolean terminal,
            List<String> namespaces,
            String cgroupsPath,
            String ociVersion)
            implements OciConfig {
        public Spec {
            args = List.copyOf(args);
            namespaces = List.copyOf(namespaces);
        }
    }

    /** There is no config.json. */
    record Missing() implements OciConfig {
        @Override
        public String problem() {
            return "config.json is missing";
        }
    }

    /** There is one that is of no use. */
    record Broken(String reason) implements OciConfig {
        @Override
        public String problem() {
            return reason;
        }
    }

    /** What is wrong with it; null where nothing is. */
    default @Nullable String problem() {
        return null;
    }
}
