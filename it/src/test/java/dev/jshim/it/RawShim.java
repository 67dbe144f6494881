package dev.jshim.it;

import com.google.protobuf.Message;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.V2Task;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A shim that the test has started as containerd does, and that it alone speaks to. Its events go to a daemon that
 * knows nothing of its containers. Used by one thread.
 */
final class RawShim implements AutoCloseable {
    private static final Pattern ADDRESS = Pattern.compile("unix://(/[^\"\\s]+)");
    private static final Duration CONNECT = Duration.ofSeconds(10);

    private final PrivateContainerd node;
    private final Path program;
    private final String namespace;
    private final String service;
    private final TtrpcChannel channel;
    private final Path socket;

    private RawShim(
            PrivateContainerd node, Path program, String namespace, String service, TtrpcChannel channel, Path socket) {
        this.node = node;
        this.program = program;
        this.namespace = namespace;
        this.service = service;
        this.channel = channel;
        this.socket = socket;
    }

    /** The Go shim that comes with a daemon. */
    static Path reference(Release release) {
        return release.folder().resolve("containerd-shim-runc-v2");
    }

    /** Ours. */
    static Path ours() {
        return Product.bin().resolve("containerd-shim-v2-oci");
    }

    /**
     * Runs {@code start} in the bundle of a first container, which is made, and connects.
     *
     * @param suffix of the namespace
     * @param service what the calls go to, such as {@code containerd.task.v3.Task}
     */
    static RawShim start(PrivateContainerd node, Path program, String suffix, String service, RawBundle first) {
        String namespace = node.namespace() + suffix;
        openFifo(node, first.folder().resolve("log")); // Without a reader of its log the Go shim does not start.
        Outcome started = command(node, program, namespace, first, "start").ok();
        var address = ADDRESS.matcher(started.out());
        if (!address.find()) {
            throw new IllegalStateException("no address: " + started.out());
        }
        Path socket = Path.of(address.group(1));
        try {
            return node.attach(
                    new RawShim(node, program, namespace, service, TtrpcChannel.connect(socket, CONNECT), socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Outcome command(
            PrivateContainerd node, Path program, String namespace, RawBundle bundle, String command) {
        Map<String, String> environment = Map.of(
                "TTRPC_ADDRESS",
                node.socket() + ".ttrpc",
                "GRPC_ADDRESS",
                node.socket().toString(),
                "NAMESPACE",
                namespace,
                "MAX_SHIM_VERSION",
                "2",
                "JSHIM_CONFIG",
                aShimForEachPod(node).toString());
        return Run.of(List.of(
                        "env",
                        "-C",
                        bundle.folder().toString(),
                        program.toString(),
                        "-namespace",
                        namespace,
                        "-address",
                        node.socket().toString(),
                        "-publish-binary",
                        node.release().daemon().toString(),
                        "-id",
                        bundle.id(),
                        command))
                .variables(environment)
                .run();
    }

    /** Ours for a whole node stays after its last container; the Go shim knows no such file. */
    private static Path aShimForEachPod(PrivateContainerd node) {
        try {
            return Files.writeString(node.dir().resolve("pod.toml"), "Grouping = \"pod\"\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the shim's {@code -info} with options on its standard input. */
    Outcome info(Message options) {
        return Run.of(List.of(program.toString(), "-info"))
                .stdin(options.toByteArray())
                .run();
    }

    /** Runs the shim's {@code delete}, as after its death. */
    Outcome delete(RawBundle bundle) {
        return command(node, program, namespace, bundle, "delete");
    }

    /** A FIFO below a folder of this shim's, with a reader and a writer. */
    Path openFifo(Path path) {
        return openFifo(node, path);
    }

    /** containerd's namespace of this shim. */
    String namespace() {
        return namespace;
    }

    /** Whether its socket is still there: it goes with the shim. */
    boolean listens() {
        return Files.exists(socket);
    }

    /** The pid that answers. */
    long pid() {
        var connect = dev.jshim.proto.v2.task2.ConnectRequest.getDefaultInstance();
        return call(dev.jshim.proto.v2.task2.TaskGrpc.getConnectMethod(), connect, Duration.ofSeconds(30))
                .getShimPid();
    }

    /**
     * One call.
     *
     * @throws io.grpc.StatusRuntimeException as the shim answers
     */
    <Q extends Message, R extends Message> R call(MethodDescriptor<Q, R> method, Q request, Duration limit) {
        var name = MethodDescriptor.generateFullMethodName(service, String.valueOf(method.getBareMethodName()));
        return ClientCalls.blockingUnaryCall(
                channel,
                method.toBuilder().setFullMethodName(name).build(),
                CallOptions.DEFAULT.withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS),
                request);
    }

    /** One of its tasks, by the connection that there is. */
    V2Task task(RawBundle bundle, Duration limit) {
        var isV3 = service.equals("containerd.task.v3.Task");
        return new V2Task(new TaskId(namespace, bundle.id()), bundle.folder(), channel, () -> {}, isV3, limit);
    }

    @Override
    public void close() {
        channel.close();
    }

    /** Makes a FIFO and holds both its ends open, so that whoever opens it need not wait. */
    static Path openFifo(PrivateContainerd node, Path path) {
        fifo(path);
        try {
            node.attach(new RandomAccessFile(path.toFile(), "rw"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return path;
    }

    /** Makes a FIFO. */
    static Path fifo(Path path) {
        Run.of(List.of("mkfifo", path.toString())).run().ok();
        return path;
    }
}
