package dev.jshim.it;

import java.nio.file.Path;
import java.util.List;

/** Clears away what is left of a v1 container whose processes were killed and which no daemon knows any more. */
final class Debris {
    private static final String SCRIPT = """
            runc --root /run/containerd/runc/$1 delete --force $2
            umount -l $3/rootfs 2>/dev/null
            rm -rf --one-file-system $3 $4
            """;

    private Debris() {}

    static void clear(PrivateContainerd node, String id) {
        clear(
                node.namespace(),
                id,
                node.legacyBundle(id),
                node.root().resolve(Product.LEGACY).resolve(node.namespace()).resolve(id));
    }

    /** The same in any namespace. */
    static void clear(String namespace, String id, Path bundle, Path work) {
        Run.of(List.of("sh", "-c", SCRIPT, "sh", namespace, id, bundle.toString(), work.toString()))
                .run()
                .ok();
    }
}
