package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeardDaemonTest {
    @TempDir
    Path folder;

    private HeardDaemon heard() {
        return new HeardDaemon(folder.resolve("heard"));
    }

    private String listen(Path socket) throws Exception {
        Files.deleteIfExists(socket);
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
        return HeardDaemon.identity(socket);
    }

    @Test
    void theSameDaemonIsKnownAgainOnce() throws Exception {
        var socket = folder.resolve("c.sock");
        var daemon = listen(socket);
        assertThat(heard().hears(daemon)).as("none was heard before").isFalse();
        var next = heard();
        assertThat(next.hears(daemon)).isTrue();
        assertThat(next.hears(daemon)).as("it was away meanwhile").isFalse();
        assertThat(heard().hears(HeardDaemon.identity(socket))).isTrue();
        assertThat(heard().hears(listen(socket)))
                .as("a daemon that was started again")
                .isFalse();
        assertThat(heard().hears(HeardDaemon.identity(folder.resolve("none")))).isFalse();
    }

    @Test
    void oneThatEndedIsNotHeardAnyMore() throws Exception {
        var daemon = listen(folder.resolve("c.sock"));
        var first = heard();
        assertThat(first.hears(daemon)).isFalse();
        first.noMore();
        assertThat(heard().hears(daemon)).isFalse();
    }
}
