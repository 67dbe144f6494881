package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v1.runc.RuncOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Containers whose records name the v1 runtime, which nobody can change, start again under containerd 2.x. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class NewLifeTest extends MigrationScenario {

    NewLifeTest(Release old) {
        super(old);
    }

    @Test
    void anOldRecordAndAnAdoptedContainersOwn() throws Exception {
        OldRecord.create(node, "never");
        legacy("one");
        upgrade();
        EventLog events = EventLog.open(node);

        ProcessFacts never = OldRecord.start(node, "never");
        assertIsOurs("never", never);
        node.ctr("task", "rm", "-f", "one").ok();
        ProcessFacts again = OldRecord.start(node, "one");
        assertIsOurs("one", again);

        Wait.until("its events", () -> events.topics("never").size() >= 2);
        assertThat(events.topics("never")).startsWith("/tasks/create", "/tasks/start");
        node.exec("never", "e", "/bin/sh", "-c", "exit 3").expect(3);
        node.ctr("task", "pause", "one").ok();
        node.ctr("task", "resume", "one").ok();
        node.kill9();
        node.start();
        assertThat(node.init("never")).isEqualTo(never);
        assertThat(node.init("one")).isEqualTo(again);
        node.remove("never");
        node.remove("one");
    }

    @Test
    void itsOptionsAreConverted() throws Exception {
        Path calls = node.dir().resolve("calls");
        Path root = node.dir().resolve("runc-root");
        OldRecord.create(
                node,
                "one",
                RuncOptions.newBuilder()
                        .setRuntime(wrapper(calls).toString())
                        .setRuntimeRoot(root.toString())
                        .build());
        // As the old daemon understands them.
        OldRecord.start(node, "one");
        assertThat(root.resolve(node.namespace()).resolve("one")).exists();
        node.ctr("task", "rm", "-f", "one").ok();
        Files.writeString(calls, "");
        node.switchTo(Release.V2);

        ProcessFacts init = OldRecord.start(node, "one");

        assertIsOurs("one", init);
        assertThat(root.resolve(node.namespace()).resolve("one")).exists();
        assertThat(calls).content().contains("create").contains("--root " + root.resolve(node.namespace()));
        node.remove("one");
    }

    /** The usual place of another runtime is the old daemon's configuration, which containerd 2.x has no place for. */
    @Test
    void whatTheOldDaemonWasToldIsRemembered() throws Exception {
        Path calls = node.dir().resolve("calls");
        Path runtime = wrapper(calls);
        Path root = node.dir().resolve("runc-root");
        node.stop();
        node.addConfiguration("""
                [plugins."io.containerd.runtime.v1.linux"]
                  runtime = "%s"
                  runtime_root = "%s"
                """.formatted(runtime, root));
        node.start();
        OldRecord.create(node, "never");
        ProcessFacts adopted = legacy("one");

        assertThat(row(migrate("plan", "-o", "json").ok(), "one").get("runtime").getAsString())
                .isEqualTo(runtime.toString());
        migrate("apply", "--yes").ok(); // While it runs, so that its configuration is found by itself.
        assertThat(node.bundle("one").resolve("jshim.v1"))
                .content()
                .contains("runtime " + runtime + "\n", "runtime-root " + root.resolve(node.namespace()) + "\n");
        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(adopted);
        Files.writeString(calls, "");

        assertIsOurs("never", OldRecord.start(node, "never"));
        assertThat(root.resolve(node.namespace()).resolve("never")).exists();
        assertThat(calls).content().contains("create");
        node.ctr("task", "rm", "-f", "one").ok();
        assertIsOurs("one", OldRecord.start(node, "one"));
        assertThat(root.resolve(node.namespace()).resolve("one")).exists();
        node.remove("never");
        node.remove("one");
    }

    @Test
    void inTheGroupOfAnAdoptedOne() {
        ProcessFacts pod = legacy("pod");
        OldRecord.create(
                node,
                "member",
                "--annotation",
                "io.kubernetes.cri.container-type=container",
                "--annotation",
                "io.kubernetes.cri.sandbox-id=pod");
        upgrade();

        ProcessFacts member = OldRecord.start(node, "member");

        assertIsOurs("member", member);
        assertThat(node.init("pod")).isEqualTo(pod);
        node.exec("pod", "e", "/bin/true").ok();
        node.exec("member", "e", "/bin/true").ok();
        node.remove("member");
        assertThat(node.init("pod")).isEqualTo(pod);
        node.remove("pod");
    }

    /**
     * Its shim is a shim of ours, and neither the bridge nor a v1 shim; nor does it lie where a v1 shim's socket may.
     */
    private void assertIsOurs(String id, ProcessFacts init) {
        assertThat(init.alive()).isTrue();
        try {
            assertThat(Path.of("/proc/" + init.parent() + "/comm")).content().startsWith("jshim");
            assertThat(node.bundle(id).resolve("address")).content().contains("/run/jshim/");
            assertThat(node.bundle(id).resolve("jshim.v1")).doesNotExist();
        } catch (AssertionError e) {
            throw new AssertionError(id + ", pid " + init.pid() + ": " + e.getMessage(), e);
        }
    }

    /** A runtime that is runc and notes how it was called. */
    private Path wrapper(Path calls) throws IOException {
        Path file = Files.writeString(
                node.dir().resolve("other-runtime"), "#!/bin/sh\necho \"$@\" >>" + calls + "\nexec runc \"$@\"\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }
}
