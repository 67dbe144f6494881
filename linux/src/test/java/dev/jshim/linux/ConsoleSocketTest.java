package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(90)
class ConsoleSocketTest {
    /** Makes a terminal and sends its master over the socket, as runc does. */
    private static final String SENDER = """
            #define _GNU_SOURCE
            #include <stdlib.h>
            #include <string.h>
            #include <fcntl.h>
            #include <unistd.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            int main(int argc, char **argv) {
              int master = posix_openpt(O_RDWR | O_NOCTTY);
              grantpt(master); unlockpt(master);
              int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
              int s = socket(AF_UNIX, SOCK_STREAM, 0);
              struct sockaddr_un a = { .sun_family = AF_UNIX };
              strncpy(a.sun_path, argv[1], sizeof a.sun_path - 1);
              if (connect(s, (struct sockaddr *) &a, sizeof a)) return 2;
              char control[CMSG_SPACE(sizeof(int))] = {0};
              struct iovec v = { "pty", 3 };
              struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
              struct cmsghdr *c = CMSG_FIRSTHDR(&m);
              c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(sizeof(int));
              memcpy(CMSG_DATA(c), &master, sizeof(int));
              if (argc == 2 && sendmsg(s, &m, 0) < 0) return 3;
              if (argc > 2) return write(s, "no", 2) != 2;
              dprintf(slave, "hello");
              sleep(5);
              return 0;
            }
            """;

    @TempDir
    private Path folder;

    @Test
    void receivesAMasterThatWorks() throws Exception {
        try (var socket = ConsoleSocket.listen(folder.resolve("console"))) {
            var sender = send(socket.path().toString());
            try (var connection = socket.accept(Duration.ofSeconds(30));
                    var first = ConsoleSocket.receive(connection, Duration.ofSeconds(30));
                    var master = ConsoleSocket.receive(connection, Duration.ofSeconds(30))) {
                assertThat(first.number()).isNotEqualTo(master.number());
                var buffer = new byte[16];
                var count = master.read(buffer, 0, buffer.length);
                assertThat(new String(buffer, 0, count, StandardCharsets.UTF_8)).isEqualTo("hello");

                Terminal.resize(master, new Terminal.Size(132, 43));
                assertThat(Terminal.size(master)).isEqualTo(new Terminal.Size(132, 43));
            } finally {
                sender.destroyForcibly().waitFor(); // or it is a zombie of the test runner for a while
            }
        }
        assertThat(folder.resolve("console")).doesNotExist();
    }

    @Test
    void saysSoWhenNoDescriptorComes() throws Exception {
        try (var socket = ConsoleSocket.listen(folder.resolve("console"))) {
            var sender = send(socket.path().toString(), "none");
            try (var connection = socket.accept(Duration.ofSeconds(30))) {
                assertThatThrownBy(() -> ConsoleSocket.receive(connection, Duration.ofSeconds(30)))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("no descriptor");
            }
            assertThat(sender.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void givesUpWhenNobodyComes() throws Exception {
        try (var socket = ConsoleSocket.listen(folder.resolve("console"))) {
            assertThatThrownBy(() -> socket.accept(Duration.ofMillis(50)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("within 50 ms");
        }
    }

    @Test
    void refusesAPathThatIsTooLong() {
        assertThatThrownBy(() -> ConsoleSocket.listen(Path.of("/tmp/" + "x".repeat(120))))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("ENAMETOOLONG");
    }

    private Process send(String... arguments) throws Exception {
        var source = Files.writeString(folder.resolve("sender.c"), SENDER);
        var binary = folder.resolve("sender");
        var compiler = new ProcessBuilder("gcc", "-o", binary.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(compiler.exitValue()).isZero();
        var command = new java.util.ArrayList<>(java.util.List.of(binary.toString()));
        command.addAll(java.util.List.of(arguments));
        return new ProcessBuilder(command).inheritIO().start();
    }
}
