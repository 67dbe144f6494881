package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Mounts;
import dev.jshim.linux.OpenFlags;
import dev.jshim.proto.v1.types.Mount;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.shim.Until;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Runtimes and bundles that are broken, missing, slow or not ours: what is said, and that nothing is left. */
class OciTaskFailureTest extends WithFakeRuntime {
    @Test
    void aDeleteThatFailedCanBeTriedAgain() throws Exception {
        var box = running("again", "exit 5");
        box.await("");
        runtime.on("delete", "again", "fail device is busy");
        assertFails(Code.UNKNOWN, "device is busy", box::delete);
        assertThat(box.state().getStatus()).isEqualTo(Status.STOPPED);
        runtime.on("delete", "again", ":");
        assertThat(box.delete().getExitStatus()).isEqualTo(5);
    }

    @Test
    void aFailedCreateSaysWhyAndLeavesNothing() throws Exception {
        var before = descriptors().size();
        var box = container("failing", LASTING);
        runtime.on("create", "failing", "mkdir -p $dir; fail 'exec: no such file'");
        var source = Files.createDirectories(folder.resolve("source"));
        var request = box.request()
                .setStdin(box.fifo("in").toString())
                .setStdout(box.readFifo("out").toString())
                .setStderr(box.readFifo("err").toString())
                .addRootfs(Mount.newBuilder()
                        .setType("bind")
                        .setSource(source.toString())
                        .addOptions("rbind"))
                .build();
        assertFails(
                Code.UNKNOWN,
                "OCI runtime create failed: exec: no such file",
                () -> shim.task().create(request));
        assertThat(Mounts.isMountPoint(box.bundle().resolve("rootfs"))).isFalse();
        assertThat(runtime.state("failing")).doesNotExist();
        assertFails(Code.NOT_FOUND, "failing", box::state);
        try (var left = Files.list(box.bundle())) {
            assertThat(left.map(file -> file.getFileName().toString())).noneMatch(name -> name.startsWith("log-"));
        }
        Until.holds(
                "streams closed",
                () -> descriptors().stream()
                        .noneMatch(file -> file.startsWith(box.bundle().toString())));
        assertThat(descriptors().size()).isLessThanOrEqualTo(before + 6); // the stdio thread's own, connections
        assertThat(events.of("failing")).isEmpty();
        runtime.on("create", "failing", ":");
        box.create();
        box.delete();
    }

    @Test
    void aCreateWhoseBundleIsTakenAwayLeavesNothing() throws Exception {
        var box = container("vanishing", LASTING);
        runtime.on("create", "vanishing", "rm -rf $bundle");
        assertThatThrownBy(box::create).isInstanceOf(StatusRuntimeException.class);
        assertThat(runtime.calls("vanishing"))
                .containsExactly("create vanishing", "state vanishing", "delete vanishing");
        assertThat(runtime.state("vanishing")).doesNotExist();
        assertFails(Code.NOT_FOUND, "vanishing", box::state);
    }

    @Test
    void aMissingStreamLeavesTheOthersClosed() throws Exception {
        var box = container("halfio", LASTING);
        var request = box.request()
                .setStdin(box.fifo("in").toString())
                .setStdout(box.readFifo("out").toString())
                .setStderr(box.bundle().resolve("missing").toString())
                .build();
        assertFails(Code.NOT_FOUND, "missing", () -> shim.task().create(request));
        assertThat(descriptors()).noneMatch(file -> file.startsWith(box.bundle().toString()));
        assertThat(runtime.state("halfio")).doesNotExist();
    }

    @Test
    void saysThatTheRuntimeIsMissing() throws Exception {
        var box = container("noruntime", LASTING);
        assertFails(
                Code.UNKNOWN,
                "OCI runtime /nowhere/runc cannot be run: ENOENT; install it",
                () -> shim.task()
                        .create(box.request()
                                .setOptions(runtime.options("/nowhere/runc"))
                                .build()));
        assertFails(Code.NOT_FOUND, "noruntime", box::state);
    }

    @Test
    void touchesNothingOfAContainerThatTheRuntimeHasAlready() throws Exception {
        var box = container("foreign", LASTING);
        Files.createDirectories(runtime.state("foreign"));
        Files.writeString(runtime.state("foreign").resolve("pid"), "1");
        var rootfs = Files.createDirectories(box.bundle().resolve("rootfs"));
        Mounts.mount("tmpfs", rootfs, "tmpfs", 0, "size=4k");
        try {
            assertFails(
                    Code.ALREADY_EXISTS,
                    "foreign",
                    () -> shim.task()
                            .create(box.request()
                                    .addRootfs(
                                            Mount.newBuilder().setType("tmpfs").setSource("tmpfs"))
                                    .build()));
            assertThat(Mounts.isMountPoint(rootfs)).isTrue();
        } finally {
            Mounts.unmountRecursive(rootfs);
        }
        assertThat(runtime.state("foreign").resolve("pid")).hasContent("1");
        assertThat(runtime.calls("foreign")).isEmpty();
        assertThat(box.bundle().resolve("runtime-root")).doesNotExist();
    }

    /** The id was free when it was looked at, and taken when the runtime came to it. */
    @Test
    void leavesAContainerAloneThatAnotherBundleHasMeanwhile() throws Exception {
        var box = container("raced", LASTING);
        var other = Files.createDirectories(folder.resolve("other-bundle"));
        runtime.on(
                "create",
                "raced",
                "mkdir -p $dir; echo " + other + " >$dir/bundle; fail 'container with given ID already exists'");
        assertFails(Code.UNKNOWN, "container with given ID already exists", box::create);
        assertThat(runtime.state("raced").resolve("bundle")).hasContent(other.toString());
        assertThat(runtime.calls("raced")).containsExactly("create raced", "state raced");
        assertThat(box.bundle().resolve("runtime-root"))
                .as("what would have `delete` clean up")
                .doesNotExist();
    }

    /** A runtime that was killed does not clean up. */
    @Test
    void deletesWhatAKilledCreateHasLeftOfItsOwn() throws Exception {
        var box = container("halfway", LASTING);
        runtime.on("create", "halfway", "mkdir -p $dir; echo $bundle >$dir/bundle; kill -9 $$");
        assertFails(Code.UNKNOWN, "OCI runtime create failed: killed by signal 9", box::create);
        assertThat(runtime.state("halfway")).doesNotExist();
        runtime.on("create", "halfway", ":");
        box.create();
        box.delete();
    }

    @Test
    void refusesABrokenBundle() throws Exception {
        var box = container("broken", LASTING);
        Files.writeString(box.bundle().resolve("config.json"), "{\"linux\":");
        assertFails(Code.UNKNOWN, "config.json cannot be read as an OCI spec", box::create);
        Files.delete(box.bundle().resolve("config.json"));
        assertFails(Code.NOT_FOUND, "config.json is missing", box::create);
        assertThat(runtime.calls("broken")).isEmpty();
    }

    @Test
    void answersStateWhileTheRuntimeHangs() throws Exception {
        var hung = running("hung", LASTING);
        var gate = hung.fifo("gate");
        runtime.on("create", "hungcreate", "read _ <" + gate);
        runtime.on("kill", "hung", "read _ <" + gate);
        var bystander = running("bystander", LASTING);
        var stopped = running("hungdelete", "exit 0");
        stopped.await("");
        runtime.on("delete", "hungdelete", "read _ <" + gate);
        var creating = container("hungcreate", LASTING);

        var calls = List.of(
                async(creating::create),
                async(() -> {
                    hung.kill(15);
                    return 0;
                }),
                async(stopped::delete));
        Until.holds(
                "all three hang",
                () -> runtime.calls("hungcreate").size() == 1
                        && runtime.calls("hung").contains("kill hung 15")
                        && runtime.calls("hungdelete").contains("delete hungdelete"));
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Void>> asks = IntStream.range(0, 20)
                    .mapToObj(i -> (Callable<Void>) () -> {
                        assertNotHeldUp(List.of(hung, stopped, bystander).get(i % 3)::state);
                        assertNotHeldUp(List.of(hung, stopped, bystander).get(i % 3)::pids);
                        assertFails(Code.NOT_FOUND, "hungcreate", creating::state);
                        return null;
                    })
                    .toList();
            for (var asked : clients.invokeAll(asks, 60, TimeUnit.SECONDS)) {
                asked.get();
            }
        }
        assertFails(Code.ALREADY_EXISTS, "hungcreate", creating::create);
        for (var call : calls) {
            assertThat(call).isNotDone();
        }
        try (var open = FileCalls.open(gate, OpenFlags.O_RDWR, 0)) {
            open.writeFully("go\ngo\ngo\n".getBytes(StandardCharsets.UTF_8));
            CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
        }
        creating.delete();
        runtime.on("kill", "hung", ":");
        hung.await("");
        hung.delete();
        end(bystander);
    }

    @Test
    void aKillThatComesTooLateFindsNothing() throws Exception {
        var box = running("gone", LASTING);
        // The runtime sees that init is dead before the shim does.
        var lives = "grep -q ') [^ZX] ' /proc/$(cat $dir/pid)/stat 2>/dev/null";
        runtime.on(
                "kill",
                "gone",
                "kill -9 $(cat $dir/pid); while " + lives + "; do sleep 0.01; done; fail 'some words of its own'");
        assertFails(Code.NOT_FOUND, "process already finished", () -> box.kill(15));
        assertThat(box.await("")).isEqualTo(137);
        box.delete();
    }

    @Test
    void theRuntimeInheritsNothing() throws Exception {
        var box = container("clean", "exit 0");
        var seen = folder.resolve("clean.seen");
        runtime.on(
                "create",
                "clean",
                "ls -1 /proc/self/fd >" + seen + "; grep -E '^Sig(Ign|Blk)' /proc/self/status >>" + seen
                        + "; env | grep NOTIFY_SOCKET >>" + seen);
        box.create();
        // 3 is the listing's own.
        assertThat(Files.readAllLines(seen).stream().map(line -> line.replaceFirst("\\s+", " ")))
                .containsExactly("0", "1", "2", "3", "SigBlk: 0000000000000000", "SigIgn: 0000000000000000");
        box.delete();
    }

    @Test
    void anExecThatFailsLeavesNothing() throws Exception {
        var box = running("badexec", LASTING);
        runtime.on("exec", "badexec", "fail 'exec: no such file'");
        var _ = shim.task()
                .exec(box.execRequest("e", "exit 0")
                        .setStdin(box.fifo("in").toString())
                        .setStdout(box.readFifo("out").toString())
                        .build());
        assertFails(Code.UNKNOWN, "OCI runtime exec failed: exec: no such file", () -> box.start("e"));
        assertThat(box.await("e")).isEqualTo(255);
        Until.holds(
                "streams closed",
                () -> descriptors().stream()
                        .noneMatch(file -> file.startsWith(box.bundle().toString())));
        try (var left = Files.list(box.bundle())) {
            assertThat(left.map(file -> file.getFileName().toString())).noneMatch(name -> name.startsWith("exec-"));
        }
        box.delete("e");
        end(box);
        assertThat(events.of("badexec")).doesNotContain("exec-started e").noneMatch(e -> e.startsWith("exit e"));
    }

    @Test
    void execsThatNobodyDeletesGoWithTheirContainer() throws Exception {
        var box = running("leftover", LASTING);
        // Its output is more than the FIFO holds, though not the pipe before it, and nobody reads.
        var _ = shim.task()
                .exec(box.execRequest("e", "head -c 100000 /dev/zero")
                        .setStdout(box.readFifo("out").toString())
                        .build());
        box.start("e");
        end(box);
        Until.holds(
                "streams closed",
                () -> descriptors().stream()
                        .noneMatch(file -> file.startsWith(box.bundle().toString())));
    }
}
