package dev.jshim.it;

import dev.jshim.proto.v2.task2.StateRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Asks for the state of an adopted container again and again, beside containerd: how long nobody answers if a bridge
 * dies meanwhile.
 */
final class Pauses implements AutoCloseable {
    private static final Duration BETWEEN = Duration.ofMillis(5);

    private final CallTimes times = new CallTimes();
    private final KeptBridge bridge;
    private final Thread thread;
    private volatile boolean over;

    /**
     * Begins.
     *
     * @param bundle of the container
     * @param failed called once if an answer is none
     */
    Pauses(KeptBridge bridge, Path bundle, Consumer<Throwable> failed) {
        this.bridge = bridge;
        thread = Thread.ofPlatform().start(() -> {
            try (ShimClient client = ShimClient.of(bundle)) {
                StateRequest request = StateRequest.newBuilder()
                        .setId(String.valueOf(bundle.getFileName()))
                        .build();
                while (!over) {
                    ask(client, request);
                    Wait.pause(BETWEEN);
                }
            } catch (RuntimeException e) {
                failed.accept(e);
            }
        });
    }

    private void ask(ShimClient client, StateRequest request) {
        int before = bridge.deaths();
        long began = System.nanoTime();
        var _ = client.patient().state(request);
        if (bridge.deaths() != before) {
            times.add(began);
        }
    }

    /** A sentence about the calls over which a bridge died. */
    String summary() {
        return times.summary();
    }

    @Override
    public void close() {
        over = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
