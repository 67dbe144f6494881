package dev.jshim.node.shim;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.Health;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.TaskSurvey;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitCheckTest {
    private static final TaskId TASK = new TaskId("ns", "c");

    @TempDir
    private Path directory;

    private Path bundle(String cgroupsPath) throws IOException {
        var bundle = new Bundles(directory).v2("ns", "c");
        with(bundle, "config.json", "{\"linux\":{\"cgroupsPath\":\"" + cgroupsPath + "\"}}");
        with(bundle, "options.json", "{\"root\":\"" + directory.resolve("runc") + "\"}");
        with(bundle, "init.pid", "21");
        return bundle;
    }

    private void process(long startTime, String cgroup) throws IOException {
        var path = Files.createDirectories(directory.resolve("proc/21"));
        Files.writeString(
                path.resolve("stat"), "21 (sh) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 " + startTime + " 0 0\n");
        Files.writeString(path.resolve("cgroup"), "4:memory:" + cgroup + "\n");
    }

    private void state(String file, String json) throws IOException {
        with(Files.createDirectories(directory.resolve("runc/ns/c")), file, json);
    }

    private InitCheck check() {
        var proc = new ProcFs(directory.resolve("proc"));
        var bundle = Objects.requireNonNull(
                Node.read(new Bundles(directory).paths, proc).v2(TASK));
        var runtime = OciRuntime.of(bundle, null).state(TASK);
        return InitCheck.of(Objects.requireNonNull(proc.facts(21)), bundle, runtime, proc);
    }

    @Test
    void runcsStartTimeDecides() throws IOException {
        bundle("/ns/c");
        process(500, "/elsewhere");
        state("state.json", """
                {"id":"c","init_process_pid":21,"init_process_start":500,"created":"x",
                 "config":{"rootfs":"/r"},"cgroup_paths":{"memory":"/sys/fs/cgroup/memory/ns/c"}}""");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        assertThat(OciRuntime.of(
                                Objects.requireNonNull(
                                        Node.read(new Bundles(directory).paths).v2(TASK)),
                                null)
                        .state(TASK))
                .extracting(state -> Objects.requireNonNull(state).cgroups())
                .asString()
                .contains("/sys/fs/cgroup/memory/ns/c");
        process(501, "/ns/c");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
    }

    @Test
    void crunsStatusDecidesToo() throws IOException {
        bundle("");
        process(7, "/");
        state("status", "{\"pid\":21,\"process-start-time\":7,\"cgroup-path\":\"/ns/c\"}");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        state("status", "{\"pid\":21,\"process-start-time\":8}");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
    }

    @Test
    void withoutRuntimeStateTheCgroupDecides() throws IOException {
        bundle("/ns/c");
        process(500, "/ns/c/below");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        process(500, "/user.slice");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
        bundle("kubepods-x.slice:cri-containerd:c");
        process(500, "/kubepods.slice/kubepods-x.slice/cri-containerd-c.scope");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        state("state.json", "nonsense");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        bundle("");
        assertThat(check()).isEqualTo(InitCheck.UNKNOWN);
    }

    @Test
    void theWholeCgroupDecidesAndNotItsLastPart() throws IOException {
        bundle("/ns/docker");
        process(500, "/docker/0123");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
        process(500, "/machine/ns/docker");
        assertThat(check()).isEqualTo(InitCheck.SAME);
        bundle("system.slice:docker:c");
        process(500, "/system.slice/other-docker-c.scope");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
    }

    @Test
    void whatTheRuntimeKeepsOfAnotherBundleIsAnothers() throws IOException {
        var bundle = bundle("/ns/c");
        process(500, "/ns/c");
        state("state.json", """
                {"init_process_pid":21,"init_process_start":500,"config":{"labels":["bundle=/other/ns/c"]}}""");
        assertThat(check()).isEqualTo(InitCheck.OTHER);
        state("state.json", """
                {"init_process_pid":21,"init_process_start":500,"config":{"labels":["bundle=%s"]}}""".formatted(bundle));
        assertThat(check()).isEqualTo(InitCheck.SAME);
    }

    @Test
    void aReusedPidIsNoLivingContainer() throws IOException {
        bundle("/ns/c");
        process(500, "/user.slice");
        var proc = new ProcFs(directory.resolve("proc"));
        var bundles = Node.read(new Bundles(directory).paths, proc).bundles();
        var task = new TaskSurvey(proc, Duration.ofSeconds(20)).of(bundles).getFirst();
        assertThat(task.health()).isEqualTo(Health.DEAD);
        assertThat(task.pid()).isZero();
        assertThat(task.troubles())
                .contains("init.pid has 21, which is another process now: the container's has ended");
        process(500, "/ns/c");
        var living = new TaskSurvey(proc, Duration.ofSeconds(20)).of(bundles).getFirst();
        assertThat(living.health()).isEqualTo(Health.ORPHAN);
    }
}
