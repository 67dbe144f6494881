package dev.jshim.shim.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FdMessage;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.UnixSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a keeper had said when it died. */
@Timeout(60)
class DyingKeeperTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static byte[] bytes(String words) {
        return words.getBytes(StandardCharsets.UTF_8);
    }

    /** With words to it unread, what it has sent comes behind an ECONNRESET. */
    @Test
    void theConnectionsThatItGaveLastAreServed() throws Exception {
        var ends = UnixSocket.pairForMessages();
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        try (var keeper = new Keeper(ends[1]);
                var pipe = FileCalls.pipe()) {
            for (var name : new String[] {"a#1", "a#2"}) {
                ends[0].send(new FdMessage(bytes("kept " + name), pipe.readEnd()), LIMIT);
            }
            keeper.drop("unread");
            ends[0].close();

            keeper.start(
                    held -> {
                        heard.add(held.name());
                        held.fd().close();
                    },
                    () -> heard.add("lost"));
            for (var word : new String[] {"a#1", "a#2", "lost"}) {
                assertThat(heard.poll(30, TimeUnit.SECONDS)).isEqualTo(word);
            }
            assertThat(keeper.isThere()).isFalse();
        }
    }
}
