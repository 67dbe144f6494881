package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs that take a container's output, as {@code --log-uri} names them. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class LoggerTest extends ShimScenario {
    /** Deaf to SIGTERM: runc's own shim sends it at the same moment as the end of the output. */
    private static final String SHELL = """
            #!/bin/sh
            trap '' TERM
            exec 5>&-
            cat <&4 >"$2/err" &
            cat <&3 >"$2/out"
            wait
            echo "$CONTAINER_ID $CONTAINER_NAMESPACE $1" >"$2/.end" && mv "$2/.end" "$2/end"
            """;

    /** Reads stdout alone, says that it is ready, and takes SIGTERM for an order to bring things to their end. */
    private static final String PERL = """
            #!/usr/bin/perl
            use strict;
            $SIG{TERM} = sub {};
            open(my $in, '<&=', 3) or die;
            open(my $ready, '>&=', 5) or die;
            open(my $out, '>', "$ARGV[1]/out") or die;
            syswrite($ready, 'x');
            close($ready);
            while (1) {
                my $n = sysread($in, my $bytes, 65536);
                next if !defined $n && $!{EINTR};
                last if !$n;
                syswrite($out, $bytes);
            }
            close($out);
            open(my $end, '>', "$ARGV[1]/.end") or die;
            print $end "$ENV{CONTAINER_ID} $ENV{CONTAINER_NAMESPACE} $ARGV[0]\\n";
            close($end);
            rename("$ARGV[1]/.end", "$ARGV[1]/end");
            """;

    LoggerTest(Setup setup) {
        super(setup);
    }

    private Path logs(String name) throws IOException {
        return Files.createDirectories(node.dir().resolve("logs").resolve(name));
    }

    private String uri(String scheme, String script, Path folder) throws IOException {
        Path program = Files.writeString(folder.resolve("logger"), script);
        program.toFile().setExecutable(true);
        return scheme + "://" + program + "?into=" + folder;
    }

    private Outcome run(Path rootfs, String logger, String id, String... argv) {
        List<String> flags = List.of("-d", "--log-uri", logger);
        return node.ctr(node.runArgs(runtime, flags, rootfs, id, argv).toArray(String[]::new));
    }

    private void delete(String id) {
        Wait.until(id + " stopped", () -> Tasks.of(node).isStoppedOrGone(id));
        node.ctr("task", "rm", id);
        node.ctr("container", "rm", id).ok();
    }

    private static String end(Path folder) throws IOException {
        Wait.until("the logger's end", () -> Files.exists(folder.resolve("end")));
        return Files.readString(folder.resolve("end")).strip();
    }

    @Test
    void aShellScriptGetsBothStreams() throws Exception {
        Path folder = logs("one");
        run(node.rootfs(), uri("binary", SHELL, folder), "one", "/bin/sh", "-c", "echo out; echo err >&2")
                .ok();
        delete("one");

        assertThat(end(folder)).isEqualTo("one " + node.namespace() + " into");
        assertThat(folder.resolve("out")).hasContent("out");
        assertThat(folder.resolve("err")).hasContent("err");
    }

    @Test
    void aProgramGetsEveryByte() throws Exception {
        byte[] sent = new byte[5 << 20];
        new Random(3).nextBytes(sent);
        Path rootfs = node.rootfs();
        Files.write(rootfs.resolve("noise"), sent);
        Path folder = logs("one");
        String scheme = setup.ours() ? "binary-v2" : "binary"; // The Go shim knows it from 2.3 on.
        run(rootfs, uri(scheme, PERL, folder), "one", "/bin/cat", "/noise").ok();
        delete("one");

        assertThat(end(folder)).isEqualTo("one " + node.namespace() + " into");
        assertThat(Arrays.equals(Files.readAllBytes(folder.resolve("out")), sent))
                .as("the same bytes")
                .isTrue();
    }

    @Test
    void anExecHasOneOfItsOwn() throws Exception {
        Path folder = logs("exec");
        sleeper("one");

        node.ctr("task", "exec", "--exec-id", "e", "--log-uri", uri("binary", SHELL, folder), "one", "/bin/echo", "x")
                .ok();

        assertThat(end(folder)).isEqualTo("e " + node.namespace() + " into");
        assertThat(folder.resolve("out")).hasContent("x");
        node.remove("one");
    }

    /** ctr gives a terminal FIFOs whatever it is told, so the shim is asked itself. */
    @Test
    void aTerminalHasOneToo() throws Exception {
        if (!setup.ours()) {
            return; // The Go shim leaves a terminal's logger alone, with a second stream that never ends.
        }
        Path folder = logs("tty");
        sleeper("one");
        // An end hangs the terminal up, and what the shim has not read by then is thrown away.
        String script = "echo tty" + UNTIL_HEARD;
        String process =
                "{\"args\":[\"/bin/sh\",\"-c\",\"%s\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}}".formatted(script);
        try (ShimClient shim = ShimClient.of(node, "one")) {
            var _ = shim.task()
                    .exec(ExecProcessRequest.newBuilder()
                            .setId("one")
                            .setExecId("t")
                            .setTerminal(true)
                            .setStdout(uri("binary", SHELL, folder))
                            .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8(process)))
                            .build());
            var _ = shim.task()
                    .start(StartRequest.newBuilder().setId("one").setExecId("t").build());
            Wait.until(
                    "its words are with the logger",
                    () -> folder.resolve("out").toFile().length() == 5);
            heard("one");
            assertThat(end(folder)).isEqualTo("t " + node.namespace() + " into");
            // The terminal hangs up, and with it the logger's output ends, a moment before the process has ended.
            var _ = shim.task()
                    .wait(WaitRequest.newBuilder().setId("one").setExecId("t").build());
            var _ = shim.task()
                    .delete(DeleteRequest.newBuilder()
                            .setId("one")
                            .setExecId("t")
                            .build());
        }
        assertThat(Files.readString(folder.resolve("out"))).isEqualTo("tty\r\n");
        node.remove("one");
    }

    @Test
    void oneThatDiesTakesNobodyAlong() throws Exception {
        if (!setup.ours()) {
            return; // Under the Go shim the container gets SIGPIPE.
        }
        Path folder = logs("one");
        Path rootfs = node.rootfs();
        String dying = "#!/bin/sh\nexec 5>&-; read line <&3; echo $line >$2/.end; mv $2/.end $2/end; exit 3\n";
        run(
                        rootfs,
                        uri("binary", dying, folder),
                        "one",
                        "/bin/sh",
                        "-c",
                        "echo first; while [ ! -e /go ]; do sleep 0.1; done;"
                                + " i=0; while [ $i -lt 50 ]; do seq 1000 || exit 8; i=$((i+1)); done;"
                                + " echo unharmed >/result")
                .ok();
        assertThat(end(folder)).isEqualTo("first");
        Wait.until("the shim says so", () -> node.logText().contains("logger ended, output is lost"));
        Files.createFile(rootfs.resolve("go"));

        delete("one");

        assertThat(rootfs.resolve("result")).hasContent("unharmed");
    }

    @Test
    void whatCannotBeALoggerIsNamed() throws Exception {
        Path folder = logs("one");
        Outcome missing = run(node.rootfs(), "binary:///no/logger", "one", "/bin/true");
        assertThat(missing.code()).isNotZero();
        assertThat(missing.err()).contains("/no/logger");
        node.ctr("container", "rm", "one");
        if (setup.ours()) {
            String broken = uri("binary-v2", "#!/bin/sh\nexit 4\n", folder);
            Outcome refused = run(node.rootfs(), broken, "two", "/bin/true");
            assertThat(refused.code()).isNotZero();
            assertThat(refused.err()).contains("logger " + folder + "/logger ended with status 4 before it was ready");
            node.ctr("container", "rm", "two");
        }
        assertThat(Tasks.of(node).tasks()).isEmpty();
    }
}
