package dev.jshim.it;

import java.nio.file.Path;

/** OciTask: our shim with a real runc, and the wire before it. */
class OciTaskContractTest extends V2TaskContractTest {
    @Override
    Path program() {
        return RawShim.ours();
    }

    @Override
    String service() {
        return "containerd.task.v2.Task";
    }
}
