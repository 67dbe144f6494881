package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Processes;
import dev.jshim.shim.FifoClient;
import dev.jshim.shim.Until;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What moves the bytes is killed, and comes again: neither the process nor its clients notice. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeathTest {
    private static final int DEATHS = 3;

    /** Runs a command in a terminal without echo, whose master it sends, as an OCI runtime does. */
    private static final String TERMINAL = """
            #define _GNU_SOURCE
            #include <stdlib.h>
            #include <string.h>
            #include <fcntl.h>
            #include <unistd.h>
            #include <termios.h>
            #include <sys/ioctl.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            int main(int argc, char **argv) {
              int master = posix_openpt(O_RDWR | O_NOCTTY);
              grantpt(master); unlockpt(master);
              int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
              struct termios t;
              tcgetattr(slave, &t);
              t.c_lflag &= ~ECHO;
              tcsetattr(slave, TCSANOW, &t);
              int s = socket(AF_UNIX, SOCK_STREAM, 0);
              struct sockaddr_un a = { .sun_family = AF_UNIX };
              strncpy(a.sun_path, getenv("CONSOLE"), sizeof a.sun_path - 1);
              if (connect(s, (struct sockaddr *) &a, sizeof a)) return 2;
              char control[CMSG_SPACE(sizeof(int))] = {0};
              struct iovec v = { "pty", 3 };
              struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
              struct cmsghdr *c = CMSG_FIRSTHDR(&m);
              c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(sizeof(int));
              memcpy(CMSG_DATA(c), &master, sizeof(int));
              if (sendmsg(s, &m, 0) < 0) return 3;
              if (fork()) return 0;
              setsid();
              ioctl(slave, TIOCSCTTY, 0);
              for (int i = 0; i < 3; i++) dup2(slave, i);
              closefrom(3);
              execv(argv[1], argv + 1);
              return 4;
            }
            """;

    @TempDir
    Path folder;

    private Path in;
    private Path out;
    private Path err;

    @BeforeEach
    void makeFifos() throws Exception {
        in = fifo("in");
        out = fifo("out");
        err = fifo("err");
    }

    private Path fifo(String name) throws Exception {
        var path = folder.resolve(name);
        FileCalls.mkfifo(path, 0600);
        return path;
    }

    private static <T> CompletableFuture<T> async(Callable<T> work) {
        var result = new CompletableFuture<T>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(120, TimeUnit.SECONDS);
    }

    /** Reads all, slowly if asked to, and counts. */
    private static String read(Fd client, AtomicLong count, long pause) throws Exception {
        var all = new ByteArrayOutputStream();
        FifoClient.read(client, (bytes, n) -> {
            all.write(bytes, 0, n);
            count.addAndGet(n);
            if (pause > 0) {
                LockSupport.parkNanos(pause);
            }
        });
        return all.toString(UTF_8);
    }

    private static String numbers(int count) {
        var all = new StringBuilder();
        for (var i = 1; i <= count; i++) {
            all.append(i).append('\n');
        }
        return all.toString();
    }

    /** So that it is not compared, nor shown, line by line. */
    private static void assertSame(String found, String wanted) {
        var at = 0;
        while (at < found.length() && at < wanted.length() && found.charAt(at) == wanted.charAt(at)) {
            at++;
        }
        var from = Math.max(0, at - 40);
        assertThat(found.substring(from, Math.min(found.length(), at + 40)))
                .as("at %d of %d, %d found", at, wanted.length(), found.length())
                .isEqualTo(wanted.substring(from, Math.min(wanted.length(), at + 40)));
    }

    /** Kills whenever some more has been read, in the midst of all that moves. */
    private static void dieAgainAndAgain(Deaths deaths, AtomicLong count, long step) throws Exception {
        for (var i = 1; i <= DEATHS; i++) {
            var next = i * step;
            Until.holds("bytes come", () -> count.get() >= next);
            deaths.die();
        }
    }

    /** Also until the test has ended, however it does. */
    private String until(Path file) {
        return "until [ -e " + file + " ] || [ ! -e " + folder + " ]; do sleep 0.02; done";
    }

    private Path done() {
        return folder.resolve("done");
    }

    private void awaitDone() throws Exception {
        Until.holds("the process has ended", () -> Files.exists(done()));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 200_000})
    void noByteOfTheOutputIsLost(long pause) throws Exception {
        var outClient = FifoClient.open(out);
        var errClient = FifoClient.open(err);
        var count = new AtomicLong();
        var most = pause == 0 ? 3_000_000 : 300_000;
        var script = "seq " + most + "; for i in $(seq 20000); do echo $i >&2; done; : >" + done();
        try (var deaths =
                Deaths.of(folder, in.toString(), out.toString(), err.toString(), false, "/bin/sh", "-c", script)) {
            var output = async(() -> read(outClient, count, pause));
            var errors = async(() -> read(errClient, count, pause));
            dieAgainAndAgain(deaths, count, most);
            awaitDone();
            deaths.say("exited");
            assertSame(get(output), numbers(most));
            assertSame(get(errors), numbers(20_000));
            assertThat(deaths.say("drain")).isEqualTo("true");
            deaths.say("close");
            Until.holds("nothing is kept", () -> deaths.names().isEmpty());
        }
    }

    @Test
    void stdinGoesOnAndEndsOnce() throws Exception {
        var client = FifoClient.open(out);
        var count = new AtomicLong();
        var script = "cat; : >" + done();
        try (var deaths = Deaths.of(folder, in.toString(), out.toString(), "", false, "/bin/sh", "-c", script)) {
            var output = async(() -> read(client, count, 0));
            var sent = async(() -> {
                Files.writeString(in, numbers(1_000_000));
                return true;
            });
            dieAgainAndAgain(deaths, count, 1_000_000);
            get(sent);
            deaths.kill();
            // A client that has come and gone meanwhile.
            Files.writeString(in, "more\n");
            deaths.restart();
            try (var last = Files.newOutputStream(in)) {
                deaths.say("close stdin");
                deaths.die();
                last.write("end\n".getBytes(UTF_8));
            }
            awaitDone();
            deaths.say("exited");
            assertSame(get(output), numbers(1_000_000) + "more\nend\n");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientMayGoWhileNobodyIsThere(boolean passThrough) throws Exception {
        if (passThrough) {
            Files.createFile(folder.resolve("pass-through"));
        }
        var first = FifoClient.open(out);
        var go = folder.resolve("go");
        var script = "echo begin; " + until(go) + "; seq 5000 && : >" + done();
        try (var deaths = Deaths.of(folder, "", out.toString(), "", false, "/bin/sh", "-c", script)) {
            first.setNonBlocking(false);
            assertThat(first.read(new byte[6], 0, 6)).isEqualTo(6);
            deaths.kill();
            first.close();
            Files.createFile(go);
            if (passThrough) {
                awaitDone();
            }
            deaths.restart();
            var second = FifoClient.open(out);
            awaitDone();
            deaths.die();
            deaths.say("exited");
            assertSame(FifoClient.text(second), numbers(5000));
        }
    }

    @Test
    void whatEndsWhileNobodyIsThereHasItsEnd() throws Exception {
        var client = FifoClient.open(out);
        try (var deaths = Deaths.of(folder, "", out.toString(), "", false, "/bin/sh", "-c", "seq 1000; : >" + done())) {
            deaths.kill();
            awaitDone();
            deaths.restart();
            deaths.die();
            deaths.say("exited");
            assertSame(get(async(() -> FifoClient.text(client))), numbers(1000));
            assertThat(deaths.say("drain")).isEqualTo("true");
        }
    }

    @Test
    void whatIsLeftInTheBackgroundWritesOn() throws Exception {
        var go = folder.resolve("go");
        var client = FifoClient.open(out);
        var script = "(" + until(go) + "; seq 50000 && : >" + done() + ") & echo x";
        try (var deaths = Deaths.of(folder, "", out.toString(), "", false, "/bin/sh", "-c", script)) {
            client.setNonBlocking(false);
            assertThat(client.read(new byte[2], 0, 2)).isEqualTo(2);
            deaths.say("exited");
            deaths.say("close");
            Until.holds(
                    "only that is kept",
                    () -> deaths.names().stream().allMatch(name -> name.startsWith("io box - discarded.")));
            assertThat(client.read(new byte[2], 0, 2)).isEqualTo(-1);
            deaths.kill();
            Files.createFile(go);
            deaths.restart();
            awaitDone();
            Until.holds("nothing is kept", () -> deaths.names().isEmpty());
        }
    }

    @Test
    void aLoggerGoesOn() throws Exception {
        var log = folder.resolve("log");
        var script = "binary:///bin/sh?-c=" + "exec+5>%26-;+cat+<%263+>" + log + ";+:+>" + log + ".end";
        var go = folder.resolve("go");
        var process = "echo 1; " + until(go) + "; echo 2 && : >" + done();
        try (var deaths = Deaths.of(folder, "", script, script, false, "/bin/sh", "-c", process)) {
            deaths.kill();
            Files.createFile(go);
            awaitDone();
            deaths.restart();
            deaths.say("exited");
            assertThat(deaths.say("drain")).isEqualTo("true");
            assertThat(folder.resolve("log.end")).exists();
            assertThat(log).hasContent("1\n2\n");
            deaths.say("close");
            Until.holds("nothing is kept", () -> deaths.names().isEmpty());
        }
    }

    @Test
    void aLoggerThatDiesMeanwhileDoesNotStopTheProcess() throws Exception {
        var log = folder.resolve("log");
        var script = "binary:///bin/sh?-c=" + "exec+5>%26-;+echo+$$+>" + log + ";+read+line+<%263;+sleep+100";
        var go = folder.resolve("go");
        var process = "" + until(go) + "; seq 50000 && : >" + done();
        try (var deaths = Deaths.of(folder, "", script, script, false, "/bin/sh", "-c", process)) {
            Until.holds("it runs", () -> Files.exists(log) && Files.size(log) > 0);
            deaths.kill();
            Processes.kill(Integer.parseInt(Files.readString(log).strip()), Processes.SIGKILL);
            Files.createFile(go);
            deaths.restart();
            deaths.die();
            awaitDone();
            deaths.say("exited");
            assertThat(deaths.say("drain")).isEqualTo("true");
        }
    }

    private String terminal() throws Exception {
        var source = Files.writeString(folder.resolve("terminal.c"), TERMINAL);
        var binary = folder.resolve("terminal");
        var compiler = new ProcessBuilder("gcc", "-o", binary.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
        return binary.toString();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 100_000})
    void noByteOfATerminalIsLost(long pause) throws Exception {
        var client = FifoClient.open(out);
        var count = new AtomicLong();
        var most = pause == 0 ? 300_000 : 30_000;
        var script = "i=0; while [ $i -lt " + most + " ]; do i=$((i+1)); echo $i; done; read line; echo $line; : >"
                + done() + "; read line";
        try (var deaths =
                Deaths.of(folder, in.toString(), out.toString(), "", true, terminal(), "/bin/sh", "-c", script)) {
            var output = async(() -> read(client, count, pause));
            dieAgainAndAgain(deaths, count, most);
            try (var input = Files.newOutputStream(in)) {
                input.write("some ".getBytes(UTF_8));
                deaths.die();
                input.write("words\n".getBytes(UTF_8));
                awaitDone();
                input.write('\n');
            }
            deaths.die();
            deaths.say("exited");
            assertSame(get(output).replace("\r", ""), numbers(most) + "some words\n");
            assertThat(deaths.say("drain")).isEqualTo("true");
            deaths.say("close");
            Until.holds("nothing is kept", () -> deaths.names().isEmpty());
        }
    }

    /** More than the slots of a FIFO, each a piece of its own. */
    @Test
    void aTerminalThatNobodyReadsHoldsManyLines() throws Exception {
        var client = FifoClient.open(out);
        var script = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; sleep 0.001; done; : >" + done();
        try (var deaths = Deaths.of(folder, "", out.toString(), "", true, terminal(), "/bin/sh", "-c", script)) {
            awaitDone();
            deaths.die();
            deaths.say("exited");
            assertSame(FifoClient.text(client).replace("\r", ""), numbers(200));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCallOfTheRuntimeGoesOnWithoutAnybody(boolean terminal) throws Exception {
        var call = Files.createFile(folder.resolve("call"));
        var client = FifoClient.open(out);
        String[] script = {"/bin/sh", "-c", "echo $((6*7)); read line; echo $line; : >" + done() + "; read line"};
        String[] command = terminal ? new String[] {terminal(), script[0], script[1], script[2]} : script;
        try (var deaths = Deaths.of(folder, in.toString(), out.toString(), "", terminal, command)) {
            deaths.kill();
            Files.delete(call);
            try (var input = Files.newOutputStream(in)) {
                deaths.restart();
                input.write("word\n".getBytes(UTF_8));
                awaitDone();
                input.write('\n');
            }
            deaths.say("exited");
            assertSame(FifoClient.text(client).replace("\r", ""), "42\nword\n");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noByteOfAFileIsLost(boolean terminal) throws Exception {
        var log = folder.resolve("log");
        var most = terminal ? 200_000 : 3_000_000;
        String[] script = {"/bin/sh", "-c", "seq " + most + "; : >" + done()};
        String[] command = terminal ? new String[] {terminal(), script[0], script[1], script[2]} : script;
        try (var deaths = Deaths.of(folder, "", "file://" + log, "", terminal, command)) {
            for (var i = 1; i <= DEATHS; i++) {
                var next = i * (long) most;
                Until.holds("bytes come", () -> Files.size(log) >= next);
                deaths.die();
            }
            awaitDone();
            deaths.say("exited");
            assertThat(deaths.say("drain")).isEqualTo("true");
            assertSame(Files.readString(log).replace("\r", ""), numbers(most));
            deaths.say("close");
            Until.holds("nothing is kept", () -> deaths.names().isEmpty());
        }
    }
}
