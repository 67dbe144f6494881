package dev.jshim.shim.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.UnixSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is said to a keeper, and what it says. */
@Timeout(60)
class KeeperTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private UnixSocket theirs;
    private Keeper keeper;

    @BeforeEach
    void connect() throws IOException {
        var ends = UnixSocket.pairForMessages();
        theirs = ends[0];
        keeper = new Keeper(ends[1]);
    }

    @AfterEach
    void close() {
        keeper.close();
        theirs.close();
    }

    private void tell(String words) throws IOException {
        theirs.send(new FdMessage(words.getBytes(StandardCharsets.UTF_8), null), LIMIT);
    }

    private String heard() throws IOException {
        return new String(theirs.receive(1000, LIMIT).data(), StandardCharsets.UTF_8);
    }

    @Test
    void pingsAreAnswered() throws Exception {
        keeper.start(held -> {}, () -> {});
        tell("ping");
        assertThat(heard()).isEqualTo("alive");
        tell("ping 7");
        assertThat(heard()).as("for a keeper of format 1").isEqualTo("alive 7");
    }

    @Test
    void endsOfChildrenAreHeardAndReaped() throws Exception {
        var ended = new LinkedBlockingQueue<ExitedChild>();
        keeper.exits(ended::add);
        assertThat(heard()).isEqualTo("exits");
        tell("begin 1");
        tell("exited 12 3 0");
        tell("exited 13 0 9");
        assertThat(keeper.takeAll()).isEmpty();
        keeper.start(held -> {}, () -> {});
        assertThat(ended.take()).isEqualTo(new ExitedChild(12, false, 3));
        assertThat(ended.take()).isEqualTo(new ExitedChild(13, true, 9));
        keeper.reap(12);
        assertThat(heard()).isEqualTo("reap 12");
    }

    @Test
    void whatWasClosedIsNotGiven() throws Exception {
        try (var pipe = FileCalls.pipe()) {
            keeper.keep("open", pipe.readEnd());
            var message = theirs.receive(1000, LIMIT);
            assertThat(new String(message.data(), StandardCharsets.UTF_8)).isEqualTo("keep open");
            Objects.requireNonNull(message.fd()).close();
            pipe.writeEnd().close();
            keeper.keep("closed", pipe.writeEnd());
            keeper.drop("open");
            assertThat(heard()).isEqualTo("drop open");
        }
    }

    @Test
    void theStatusIsNamed() throws Exception {
        keeper.status(Path.of("/run/status"));
        assertThat(heard()).isEqualTo("status /run/status");
    }

    @Test
    void theEndOfTheKeeperIsHeard() throws Exception {
        var lost = new LinkedBlockingQueue<String>();
        keeper.start(held -> {}, () -> lost.add("lost"));
        theirs.close();
        assertThat(lost.take()).isEqualTo("lost");
        assertThat(keeper.isThere()).isFalse();
    }
}
