package dev.jshim.it;

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
        Run.of(List.of(
                        "sh",
                        "-c",
                        SCRIPT,
                        "sh",
                        node.namespace(),
                        id,
                        node.legacyBundle(id).toString(),
                        node.root()
                                .resolve(Product.LEGACY)
                                .resolve(node.namespace())
                                .resolve(id)
                                .toString()))
                .run()
                .ok();
    }
}
