package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The shim over gRPC. */
class GrpcTest extends OptionScenario {
    private static final String GRPC = "Protocol = \"grpc\"\n";

    /** @param parent of a container: with gRPC the JVM itself */
    private static boolean hasNetty(ProcessFacts parent) throws IOException {
        long jvm = Shims.jvm(parent.pid()) == 0 ? parent.pid() : Shims.jvm(parent.pid());
        try (var files = Files.list(Path.of("/proc/" + jvm + "/fd"))) {
            return files.anyMatch(file -> {
                try {
                    return Files.readSymbolicLink(file).toString().contains("/lib/grpc/netty");
                } catch (IOException e) {
                    return false;
                }
            });
        }
    }

    @Test
    void aLifeUnder17() throws Exception {
        start(Release.V1_7, GRPC);
        ProcessFacts shim = sleeper("one");

        assertThat(bundleFile("one", "address")).startsWith("{\"version\":2,\"address\":\"/run/jshim/s/");
        assertThat(hasNetty(shim)).isTrue();
        assertThat(node.echo("one", "e", "in")).isEqualTo("in");
        node.stop();
        node.start();
        assertThat(node.echo("one", "e", "again")).isEqualTo("again");
        assertThat(node.ctr("task", "metrics", "one").ok().out()).contains("one");
        node.remove("one");
        assertThat(node.run(Product.RUNTIME, "two", "/bin/sh", "-c", "echo out; exit 3")
                        .code())
                .isEqualTo(3);
    }

    @Test
    void costsNothingElsewhere() throws Exception {
        start(Release.V1_7, "");
        ProcessFacts shim = sleeper("one");

        assertThat(hasNetty(shim)).isFalse();
        node.remove("one");
    }

    @Test
    void isRefusedWhereItCannotWork() {
        start(Release.V1_6, GRPC);
        assertThat(run("one", new String[0], "/bin/true").err()).contains("Protocol = \"grpc\" needs containerd 1.7");
        node.ctr("container", "rm", "one");
        node.switchTo(Release.V2);
        assertThat(run("two", new String[0], "/bin/true").err()).contains("considers a gRPC shim dead");
        node.ctr("container", "rm", "two");
    }

    /**
     * containerd 2 deletes what it starts itself over gRPC, but speaks it with the shim of a sandbox that somebody else
     * has started: here the test, as a sandbox controller would.
     */
    @Test
    void aLifeInASandboxOf2() throws Exception {
        start(Release.V2, "Grouping = \"pod\"\n");
        sleeper("pod");
        SandboxStore.create(node, "pod");
        Path bundle = Files.createDirectory(node.dir().resolve("sandbox"));
        Files.writeString(bundle.resolve("config.json"), "{}");
        Files.writeString(config, GRPC + "TaskApi = 3\nGrouping = \"pod\"\n");
        Launched started = Launched.run(
                bundle,
                Map.of(
                        "TTRPC_ADDRESS",
                        node.socket() + ".ttrpc",
                        "MAX_SHIM_VERSION",
                        "2",
                        "JSHIM_CONFIG",
                        config.toString()),
                List.of(
                        Product.bin().resolve("containerd-shim-v2-oci").toString(),
                        "-namespace",
                        node.namespace(),
                        "-address",
                        node.socket().toString(),
                        "-id",
                        "sandbox",
                        "start"));
        String reply = started.result().strip();
        assertThat(reply)
                .startsWith("{\"version\":3,\"address\":\"/run/jshim/s/")
                .endsWith(",\"protocol\":\"grpc\"}");
        Files.writeString(node.bundle("pod").resolve("bootstrap.json"), reply);
        ProcessFacts shim = ProcessFacts.of(
                Long.parseLong(Files.readString(bundle.resolve("shim.pid")).strip()));
        String[] sandbox = {"--sandbox", "pod"};

        EventLog events = EventLog.open(node);
        assertThat(sleeper("one", sandbox)).isEqualTo(ProcessFacts.of(Shims.jvm(shim.pid())));
        assertThat(bundleFile("one", "bootstrap.json")).contains("\"protocol\":\"grpc\"", "\"version\":3");
        assertThat(node.echo("one", "e", "in")).isEqualTo("in");
        assertThat(node.ctr("task", "ps", "one").ok().out())
                .contains(Long.toString(node.init("one").pid()));
        node.ctr("task", "pause", "one").ok();
        node.ctr("task", "resume", "one").ok();
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        node.remove("one");
        node.remove("pod");
    }
}
