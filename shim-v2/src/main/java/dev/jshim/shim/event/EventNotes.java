package dev.jshim.shim.event;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The events that are not delivered yet, a file each under its number, for the process that comes after this one. The
 * last ones that were delivered stay a while: what published them may not have noted that before it died, and publishes
 * them again. A note that cannot be written costs what it would have saved, and nothing else. Not thread-safe.
 */
final class EventNotes {
    /** Whoever publishes notes it at once, so that few are in doubt. */
    private static final int REMEMBERED = 64;

    private static final String DELIVERED = ".delivered";
    private static final String SENDING = "sending";

    private final @Nullable Path folder;
    private final Deque<Path> delivered = new ArrayDeque<>();
    private boolean failed;

    /**
     * The call that was under way.
     *
     * @param event its number
     * @param streamId the call's id on the connection
     */
    record Sending(long event, int streamId) {}

    /**
     * Notes in a folder.
     *
     * @param folder null to note nothing
     */
    EventNotes(@Nullable Path folder) {
        this.folder = folder;
    }

    /** What a process before this one has left: those that wait, by number, and those that were delivered last. */
    record Left(TreeMap<Long, Envelope> waiting, TreeMap<Long, Envelope> delivered) {}

    /** Reads what there is. To be called once, before anything else. */
    Left read() {
        var left = new Left(new TreeMap<>(), new TreeMap<>());
        if (folder == null) {
            return left;
        }
        try {
            Files.createDirectories(folder);
            try (var files = Files.newDirectoryStream(folder)) {
                for (var file : files) {
                    read(file, left);
                }
            }
        } catch (IOException e) {
            failed(e);
        }
        left.delivered().keySet().forEach(number -> delivered.addLast(delivered(folder, number)));
        return left;
    }

    private static void read(Path file, Left left) throws IOException {
        var name = String.valueOf(file.getFileName());
        var isDelivered = name.endsWith(DELIVERED);
        var digits = isDelivered ? name.substring(0, name.length() - DELIVERED.length()) : name;
        if (!digits.chars().allMatch(Character::isDigit)) {
            return; // half written, or another note
        }
        try {
            (isDelivered ? left.delivered() : left.waiting())
                    .put(Long.parseLong(digits), Envelope.parseFrom(Files.readAllBytes(file)));
        } catch (InvalidProtocolBufferException | NumberFormatException e) {
            ShimLog.error("the note of an event is damaged", "path", file, "error", e);
            Files.deleteIfExists(file);
        }
    }

    private static Path delivered(Path folder, long number) {
        return folder.resolve(number + DELIVERED);
    }

    void write(long number, Envelope envelope) {
        if (folder == null) {
            return;
        }
        try {
            WholeFile.write(folder.resolve(Long.toString(number)), envelope.toByteArray());
        } catch (IOException e) {
            failed(e);
        }
    }

    /** That an event is about to be sent. */
    void sending(Sending call) {
        if (folder == null) {
            return;
        }
        try {
            WholeFile.write(folder.resolve(SENDING), call.event() + " " + call.streamId());
        } catch (IOException e) {
            failed(e);
        }
    }

    /** What was sent last on the connection that is kept; null if nothing was. */
    @Nullable
    Sending lastSending() {
        if (folder == null) {
            return null;
        }
        try {
            var words = Files.readString(folder.resolve(SENDING), StandardCharsets.UTF_8)
                    .split(" ", 2);
            return new Sending(Long.parseLong(words[0]), Integer.parseInt(words[1]));
        } catch (IOException | NumberFormatException e) {
            return null;
        }
    }

    /** That nothing was sent on a new connection. */
    void forgetSending() {
        if (folder == null) {
            return;
        }
        try {
            Files.deleteIfExists(folder.resolve(SENDING));
        } catch (IOException e) {
            failed(e);
        }
    }

    /** That an event has been delivered. */
    void delivered(long number) {
        if (folder == null) {
            return;
        }
        try {
            var to = delivered(folder, number);
            Files.move(folder.resolve(Long.toString(number)), to, StandardCopyOption.ATOMIC_MOVE);
            delivered.addLast(to);
            if (delivered.size() > REMEMBERED) {
                Files.deleteIfExists(delivered.removeFirst());
            }
        } catch (IOException e) {
            failed(e);
        }
    }

    /** That an event is given up. */
    void forget(long number) {
        if (folder == null) {
            return;
        }
        try {
            Files.deleteIfExists(folder.resolve(Long.toString(number)));
        } catch (IOException e) {
            failed(e);
        }
    }

    private void failed(IOException why) {
        // Without its folder the shim has ended, and only delivers its last ones.
        if (!failed && folder != null && Files.isDirectory(folder)) {
            failed = true;
            ShimLog.warn("cannot note events: if this process dies, some may be lost or reported twice", "error", why);
        }
    }
}
