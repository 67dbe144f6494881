package dev.jshim.node.bundle;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A bundle's config.json, as far as it was readable. */
public sealed interface OciConfig {
    /**
     * What people ask of it.
     *
     * @param namespaces the kinds of new or joined namespaces, {@code kind} or {@code kind:path}
     * @param cgroupsPath empty if the runtime chooses
     * @param pod null if it is no container of a kubelet's
     */
    record Spec(
            List<String> args,
            String cwd,
            String hostname,
            boolean terminal,
            List<String> namespaces,
            String cgroupsPath,
            String ociVersion,
            @Nullable Pod pod)
            implements OciConfig {
        public Spec {
            args = List.copyOf(args);
            namespaces = List.copyOf(namespaces);
        }
    }

    /**
     * Which container of which pod it is, by the annotations of containerd's CRI (2.1.4, internal/cri/annotations).
     * What they do not say is empty: a pod's sandbox has no container's name, and before 1.5 there are no names of
     * pods.
     *
     * @param namespace of Kubernetes
     */
    record Pod(String namespace, String name, String container) {
        /** The names of one container in its pod, with the namespace or without. */
        public boolean isCalled(List<String> names) {
            return names.equals(List.of(name, container)) || names.equals(List.of(namespace, name, container));
        }

        @Override
        public String toString() {
            return namespace + "/" + name + (container.isEmpty() ? "" : "/" + container);
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

    /** What is wrong with it; null if nothing is. */
    default @Nullable String problem() {
        return null;
    }
}
