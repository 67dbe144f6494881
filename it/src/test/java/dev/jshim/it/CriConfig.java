package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A daemon with CRI, as an operator configures it before and after an upgrade. Pods get a network by a CNI bridge of
 * their own, which has no address and no way out: nothing of the host is changed but for that device.
 *
 * <p>Two runtime handlers: the default one, whose v1 runtime has no options, and {@link #WITH_OPTIONS}.
 */
final class CriConfig implements PrivateContainerd.Configuration {
    /** The handler whose v1 runtime has options: among them a root of runc's own. */
    static final String WITH_OPTIONS = "with-options";

    /** On containerd 2.x: our shim for new pods. */
    static final String OURS = "jshim";

    /** On containerd 2.x: a section that nobody has changed, and that still names the v1 runtime. */
    static final String UNCHANGED = "unchanged";

    private static final Path PLUGINS = Path.of("/usr/lib/cni");

    private final String subnet;

    CriConfig() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        subnet = "10.%d.%d.0/24".formatted(64 + random.nextInt(64), random.nextInt(256));
    }

    @Override
    public String text(Release release, PrivateContainerd node) {
        if (!Files.isExecutable(PLUGINS.resolve("bridge"))) {
            throw new IllegalStateException(
                    PLUGINS.resolve("bridge") + " is needed: apt-get install containernetworking-plugins");
        }
        Path networks = node.dir().resolve("cni");
        writeNetwork(networks, node);
        Path runc = node.dir().resolve(Leftovers.PRIVATE_RUNC);
        return release == Release.V2 ? now(node, networks, runc) : before(release, node, networks, runc);
    }

    private void writeNetwork(Path folder, PrivateContainerd node) {
        String name = node.namespace();
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("10-bridge.conflist"), """
                    {"cniVersion": "0.4.0", "name": "%s", "plugins": [
                      {"type": "bridge", "bridge": "%s", "isGateway": false, "ipMasq": false,
                       "ipam": {"type": "host-local", "dataDir": "%s", "ranges": [[{"subnet": "%s"}]]}}]}
                    """.formatted(
                            name, name, node.dir().resolve("addresses"), subnet));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String before(Release release, PrivateContainerd node, Path networks, Path runc) {
        return release.config(node.root(), node.state(), node.socket(), "grpc.v1.cri")
                + """
                [plugins."io.containerd.grpc.v1.cri"]
                  sandbox_image = "%s"
                  restrict_oom_score_adj = true
                  netns_mounts_under_state_dir = true
                  stream_server_address = "127.0.0.1"
                  stream_server_port = "0"
                  [plugins."io.containerd.grpc.v1.cri".cni]
                    bin_dir = "%s"
                    conf_dir = "%s"
                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                    runtime_type = "%s"
                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%s]
                    runtime_type = "%s"
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%s.options]
                      Runtime = "runc"
                      RuntimeRoot = "%s"
                """.formatted(
                                Image.PAUSE,
                                PLUGINS,
                                networks,
                                Product.LEGACY,
                                WITH_OPTIONS,
                                Product.LEGACY,
                                WITH_OPTIONS,
                                runc);
    }

    /** The handlers keep their names: CRI asks for those of the pods that are there. */
    private static String now(PrivateContainerd node, Path networks, Path runc) {
        String[] wanted = {
            "grpc.v1.cri", "cri.v1.images", "cri.v1.runtime", "nri.v1.nri", "podsandbox.controller.v1.podsandbox"
        };
        return Release.V2.config(node.root(), node.state(), node.socket(), wanted)
                + """
                [plugins.'io.containerd.nri.v1.nri']
                  disable = true
                [plugins.'io.containerd.grpc.v1.cri']
                  stream_server_address = '127.0.0.1'
                  stream_server_port = '0'
                [plugins.'io.containerd.cri.v1.images'.pinned_images]
                  sandbox = '%s'
                [plugins.'io.containerd.cri.v1.runtime']
                  restrict_oom_score_adj = true
                  netns_mounts_under_state_dir = true
                [plugins.'io.containerd.cri.v1.runtime'.cni]
                  bin_dirs = ['%s']
                  conf_dir = '%s'
                [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
                  runtime_type = 'io.containerd.runc.v2'
                  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
                    SystemdCgroup = false
                [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s]
                  runtime_type = 'io.containerd.runc.v2'
                  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s.options]
                    Root = '%s'
                    SystemdCgroup = false
                [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s]
                  runtime_type = '%s'
                [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s]
                  runtime_type = '%s'
                  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s.options]
                    Runtime = "runc"
                    RuntimeRoot = "%s"
                """.formatted(
                                Image.PAUSE,
                                PLUGINS,
                                networks,
                                WITH_OPTIONS,
                                WITH_OPTIONS,
                                runc,
                                OURS,
                                Product.RUNTIME,
                                UNCHANGED,
                                Product.LEGACY,
                                UNCHANGED,
                                runc);
    }
}
