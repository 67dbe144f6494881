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

    private HeardDaemon heard(boolean successor) {
        return new HeardDaemon(folder.resolve("heard"), successor);
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
        assertThat(heard(false).hears(daemon)).as("none was heard before").isFalse();
        var next = heard(false);
        assertThat(next.hears(daemon)).isTrue();
        assertThat(next.hears(daemon)).as("it was away meanwhile").isFalse();
        assertThat(heard(true).hears(daemon))
                .as("who takes over misses nothing")
                .isFalse();
        assertThat(heard(false).hears(HeardDaemon.identity(socket))).isTrue();
        assertThat(heard(false).hears(listen(socket)))
                .as("a daemon that was started again")
                .isFalse();
        assertThat(heard(false).hears(HeardDaemon.identity(folder.resolve("none"))))
                .isFalse();
    }

    @Test
    void oneThatEndedIsNotHeardAnyMore() throws Exception {
        var daemon = listen(folder.resolve("c.sock"));
        var first = heard(false);
        assertThat(first.hears(daemon)).isFalse();
        first.noMore();
        assertThat(heard(false).hears(daemon)).isFalse();
    }
}
