package dev.jshim.bridge.exit;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.proto.v2.bridge.HeldEvents;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.ShimLog;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What {@link AdoptedEvents} hold back, in a file for each exit: the process that comes after this one learns the exit
 * of a container or exec that is still there, but not of one that was deleted meanwhile. Thread-safe for different
 * exits.
 */
public record HeldNotes(BridgePaths paths) {
    /**
     * Notes an exit, by a key that tells it from all others, and what waits for it.
     *
     * @param daemon the containerd to which the v1 shim tells it; empty if there is none
     */
    void write(String key, String namespace, String daemon, List<Message> events) {
        var held = HeldEvents.newBuilder().setNamespace(namespace).setDaemon(daemon);
        events.forEach(event -> held.addEvents(Any.pack(event)));
        try {
            PrivateSocket.makeDirectory(paths.events());
            WholeFile.write(paths.event(key), held.build().toByteArray());
        } catch (IOException e) {
            ShimLog.warn("could not note an exit: it is lost if the bridge dies now", "ns", namespace, "error", e);
        }
    }

    /** That an exit is published, or need not be. */
    void forget(String key) {
        try {
            Files.deleteIfExists(paths.event(key));
        } catch (IOException e) {
            ShimLog.warn("could not forget an exit: it may be published twice", "error", e);
        }
    }

    /** What the bridge before has left, by container. Its notes stay until what they hold is told. */
    public Map<TaskId, List<HeldEvents>> read() throws IOException {
        Map<TaskId, List<HeldEvents>> all = new ConcurrentHashMap<>();
        if (!Files.isDirectory(paths.events())) {
            return all;
        }
        try (var files = Files.newDirectoryStream(paths.events(), WholeFile::isWhole)) {
            for (var file : files) {
                try {
                    var held = HeldEvents.parseFrom(Files.readAllBytes(file));
                    var task = new TaskId(
                            held.getNamespace(), container(unpack(held).getFirst()));
                    all.computeIfAbsent(task, _ -> new ArrayList<>()).add(held);
                } catch (InvalidProtocolBufferException | NoSuchElementException e) {
                    ShimLog.error("the note of an exit is damaged", "path", file, "error", e);
                    Files.deleteIfExists(file);
                }
            }
        }
        return all;
    }

    /** The events of a note, of {@link TaskExit} and {@link TaskDelete}. */
    static List<Message> events(HeldEvents held) {
        try {
            return unpack(held);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("it was read before", e);
        }
    }

    private static List<Message> unpack(HeldEvents held) throws InvalidProtocolBufferException {
        List<Message> events = new ArrayList<>();
        for (var any : held.getEventsList()) {
            events.add(any.is(TaskExit.class) ? any.unpack(TaskExit.class) : any.unpack(TaskDelete.class));
        }
        return events;
    }

    /** The id of an event's container. */
    static String container(Message event) {
        return event instanceof TaskExit exit ? exit.getContainerId() : ((TaskDelete) event).getContainerId();
    }
}
