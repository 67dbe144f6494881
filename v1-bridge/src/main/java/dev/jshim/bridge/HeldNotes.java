package dev.jshim.bridge;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.jshim.proto.v2.bridge.HeldEvents;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link ExitSink} holds back, in a file for each exit: the process that comes after this one learns the exit
 * of a container or exec that is still there, but not of one that was deleted meanwhile. Thread-safe for different
 * exits.
 *
 * @param paths of the bridge; null to note nothing
 */
record HeldNotes(@Nullable BridgePaths paths) {
    static final HeldNotes NONE = new HeldNotes(null);

    /** Notes an exit, by a key that tells it from all others, and what waits for it. */
    void write(String key, String namespace, List<Message> events) {
        if (paths == null) {
            return;
        }
        var held = HeldEvents.newBuilder().setNamespace(namespace);
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
        if (paths == null) {
            return;
        }
        try {
            Files.deleteIfExists(paths.event(key));
        } catch (IOException e) {
            ShimLog.warn("could not forget an exit: it may be published twice", "error", e);
        }
    }

    /** What the bridge before has left. Its notes go; who publishes them notes them again. */
    List<HeldEvents> takeAll() throws IOException {
        List<HeldEvents> all = new ArrayList<>();
        if (paths == null || !Files.isDirectory(paths.events())) {
            return all;
        }
        try (var files = Files.newDirectoryStream(paths.events(), WholeFile::isWhole)) {
            for (var file : files) {
                try {
                    all.add(HeldEvents.parseFrom(Files.readAllBytes(file)));
                } catch (InvalidProtocolBufferException e) {
                    ShimLog.error("the note of an exit is damaged", "path", file, "error", e);
                    Files.deleteIfExists(file);
                }
            }
        }
        return all;
    }
}
