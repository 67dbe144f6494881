package dev.jshim.it;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v2.bridge.Notes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a bridge has noted for the next one. */
final class BridgeNotes {
    private BridgeNotes() {}

    /** The notes of all adopted containers of a node, as they are at this moment. */
    static List<Notes> of(PrivateContainerd node) {
        List<Notes> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(node.dir().resolve("s/jshim/notes"))) {
            // One that is being written has another name.
            for (Path file :
                    files.filter(each -> !each.toString().endsWith(".new")).toList()) {
                all.add(Notes.parseFrom(Files.readAllBytes(file)));
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("damaged notes", e);
        } catch (IOException e) {
            return List.of(); // Nothing is noted yet, or one was removed or replaced just now.
        }
        return all;
    }

    /** Those of one container; none as long as nothing is noted. */
    static Stream<Notes> of(PrivateContainerd node, String id) {
        return of(node).stream().filter(notes -> notes.getRecord().lines().anyMatch(("id " + id)::equals));
    }
}
