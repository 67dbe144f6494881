package dev.jshim.ctl;

import dev.jshim.proto.v1.types.Status;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.BindableService;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A node in a directory: bundles as containerd leaves them, and v1 shims that answer on real sockets. */
final class FakeNode implements Closeable {
    static final int PID = (int) ProcessHandle.current().pid();

    final Path root;
    final Path state;
    final AtomicInteger lastSignal = new AtomicInteger();
    /** Of the exec that was started last. */
    final AtomicReference<Path> lastStdout = new AtomicReference<>();

    private final List<Closeable> sockets = new ArrayList<>();
    private final List<String> answering = new ArrayList<>();
    private final int pid;
    private String patience = "20s";

    /** Whose containers have this very process as their init. */
    FakeNode(Path directory) {
        this(directory, PID);
    }

    /** @param pid of each container's init */
    FakeNode(Path directory, int pid) {
        this.pid = pid;
        this.root = directory.resolve("root");
        this.state = directory.resolve("state");
        if (!directory.equals(Path.of("/"))) {
            make(root);
            make(state);
        }
    }

    private static void make(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A bundle whose shim answers with a state. */
    Path task(String namespace, String id, Status status) throws IOException {
        var bundle = bundle(namespace, id);
        var server = TtrpcServer.builder()
                .addService(new FakeShim(pid, status, lastSignal, lastStdout))
                .build();
        answering.add(nextSocket().toString());
        server.serve(listener(bundle));
        sockets.add(server::close);
        Files.writeString(bundle.resolve("init.pid"), Integer.toString(pid));
        return bundle;
    }

    /** A container of a pod, as containerd's CRI names it. */
    void pod(String id, String namespace, String pod, String container) throws IOException {
        var names = "{\"io.kubernetes.cri.sandbox-namespace\":\"" + namespace
                + "\",\"io.kubernetes.cri.sandbox-name\":\"" + pod + "\""
                + (container.isEmpty() ? "" : ",\"io.kubernetes.cri.container-name\":\"" + container + "\"") + "}";
        Files.writeString(
                task("k8s.io", id, Status.RUNNING).resolve("config.json"),
                "{\"process\":{\"args\":[\"sleep\"]},\"annotations\":" + names + "}");
    }

    /**
     * A bundle of a v2 shim, version 3.
     *
     * @param init 0 for a shim that does not write down its init
     */
    Path task(String namespace, String id, int init, BindableService shim) throws IOException {
        var bundle = bundle("io.containerd.runtime.v2.task", namespace, id);
        Files.delete(bundle.resolve("address"));
        Files.writeString(bundle.resolve("shim-binary-path"), "/usr/bin/containerd-shim-runc-v2");
        if (init != 0) {
            Files.writeString(bundle.resolve("init.pid"), Integer.toString(init));
        }
        var socket = nextSocket();
        Files.writeString(
                bundle.resolve("bootstrap.json"),
                "{\"version\":3,\"address\":\"unix://" + socket + "\",\"protocol\":\"ttrpc\"}");
        var server = TtrpcServer.builder().addService(shim).build();
        server.serve(ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket)));
        answering.add(socket.toString());
        sockets.add(server::close);
        return bundle;
    }

    /** How long each shim may take, as an option: long, since the machine may be busy. */
    String patience() {
        return patience;
    }

    /** Brief only where no answer of another shim counts. */
    void patience(String option) {
        patience = option;
    }

    /** A bundle whose shim never answers; each that is asked with it has 3 s from now on. */
    Path mute(String namespace, String id) throws IOException {
        patience("3s");
        var bundle = bundle(namespace, id);
        sockets.add(listener(bundle));
        return bundle;
    }

    /** A bundle whose shim is gone. */
    Path bundle(String namespace, String id) throws IOException {
        return bundle("io.containerd.runtime.v1.linux", namespace, id);
    }

    private Path bundle(String runtime, String namespace, String id) throws IOException {
        var bundle = state.resolve(runtime + "/" + namespace + "/" + id);
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{\"process\":{\"args\":[\"sleep\",\"1\\u001b[2J\"]}}");
        Files.writeString(bundle.resolve("address"), "unix:///nowhere");
        return bundle;
    }

    private ServerSocketChannel listener(Path bundle) throws IOException {
        var socket = nextSocket();
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
    }

    private Path nextSocket() {
        return state.resolve("s" + sockets.size());
    }

    /**
     * Waits until the shims have seen that who asked them has hung up: connections are shown, too. By the kernel's
     * table: one that a shim has still to accept will be shown when it has.
     */
    void awaitHangUp() throws InterruptedException, IOException {
        while (isConnected()) {
            Thread.sleep(2);
        }
    }

    private boolean isConnected() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/net/unix"), StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> !line.contains(" 00010000 ")) // who listens
                    .anyMatch(line -> answering.stream().anyMatch(socket -> line.endsWith(" " + socket)));
        }
    }

    @Override
    public void close() throws IOException {
        for (var each : sockets) {
            each.close();
        }
    }
}
