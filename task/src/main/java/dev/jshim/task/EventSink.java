package dev.jshim.task;

import com.google.protobuf.Message;

/** Takes the events of a shim. Never blocks and never fails: what cannot be delivered now is kept and tried again. */
@FunctionalInterface
public interface EventSink {
    /**
     * Hands an event on, in the order of the calls.
     *
     * @param event one of the messages of {@code containerd.events} that has a topic
     */
    void publish(Message event);

    /**
     * Runs something once all that was published before has been delivered, or was given up; at once if nobody knows.
     *
     * @param action must not block for long
     */
    default void afterwards(Runnable action) {
        action.run();
    }
}
