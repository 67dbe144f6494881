package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A kubelet alone, without a cluster: it runs the pods of its manifests, looks at them each second, probes them, and
 * makes again what it finds gone. Of the machine it changes nothing but the folders of the pods' logs, which go with
 * it: what it would set in {@code /proc/sys} are files of its own.
 */
final class Kubelet implements AutoCloseable {
    private static final Path LOGS = Path.of("/var/log");

    /** $1 is a folder for us, then comes the command. */
    private static final String SCRIPT = """
            folder=$1; shift
            for key in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys \\
                kernel/keys/root_maxbytes; do
                file=$folder/$(basename $key)
                cat /proc/sys/$key >"$file" && mount --bind "$file" /proc/sys/$key || exit
            done
            exec "$@"
            """;

    private final String node;
    private final Path folder;
    private final Path manifests;
    private final OldCri cri;
    private final Process process;

    private Kubelet(String node, Path folder, Path manifests, OldCri cri, Process process) {
        this.node = node;
        this.folder = folder;
        this.manifests = manifests;
        this.cri = cri;
        this.process = process;
    }

    /** Starts it under a name that is the daemon's. */
    static Kubelet start(Path program, PrivateContainerd daemon) {
        String node = daemon.namespace();
        Path folder = daemon.dir().resolve("kubelet");
        Path socket = folder.resolve("cri.sock");
        try {
            Path manifests = Files.createDirectories(folder.resolve("manifests"));
            Path config = Files.writeString(folder.resolve("config"), config(manifests));
            OldCri cri = new OldCri(socket, daemon.socket());
            List<String> command = List.of(
                    "unshare",
                    "-m",
                    "/bin/sh",
                    "-c",
                    SCRIPT,
                    "sh",
                    folder.toString(),
                    program.toString(),
                    "--config=" + config,
                    "--root-dir=" + folder.resolve("root"),
                    "--cert-dir=" + folder.resolve("pki"),
                    "--hostname-override=" + node,
                    "--container-runtime=remote",
                    "--container-runtime-endpoint=unix://" + socket,
                    "--register-node=false",
                    "--v=2");
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("log").toFile());
            builder.environment().clear();
            builder.environment().putAll(Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "HOME", folder.toString()));
            return new Kubelet(node, folder, manifests, cri, builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String config(Path manifests) {
        return """
                apiVersion: kubelet.config.k8s.io/v1beta1
                kind: KubeletConfiguration
                staticPodPath: %s
                fileCheckFrequency: 1s
                syncFrequency: 2s
                address: 127.0.0.1
                port: 0
                healthzPort: 0
                authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
                authorization: {mode: AlwaysAllow}
                cgroupsPerQOS: false
                enforceNodeAllocatable: []
                failSwapOn: false
                makeIPTablesUtilChains: false
                imageGCHighThresholdPercent: 100
                imageGCLowThresholdPercent: 99
                evictionHard: {memory.available: 1Mi, nodefs.available: 1Mi, imagefs.available: 1Mi}
                """.formatted(manifests);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Has it run a pod from now on, which it names after itself, too. */
    void run(String pod, String manifest) throws IOException {
        Files.writeString(folder.resolve(pod), manifest);
        Files.move(folder.resolve(pod), manifests.resolve(pod + ".yaml"));
    }

    /** Has it end a pod. */
    void end(String pod) throws IOException {
        Files.delete(manifests.resolve(pod + ".yaml"));
    }

    String log() {
        try {
            return Files.readString(folder.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        Wait.until("the kubelet ends", () -> !process.isAlive());
        cri.close();
        delete(folder.resolve("root"));
        try (Stream<Path> pods = Files.list(LOGS.resolve("pods"));
                Stream<Path> links = Files.list(LOGS.resolve("containers"))) {
            Stream.concat(pods, links).filter(this::isOurs).forEach(Kubelet::delete);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its mounts have gone with its mount namespace. */
    private static void delete(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean isOurs(Path log) {
        return log.getFileName().toString().contains("-" + node + "_");
    }
}
