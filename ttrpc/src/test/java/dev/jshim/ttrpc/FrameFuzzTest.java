package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import java.io.EOFException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whatever a peer writes, it is frames and what is in them, or an IOException. */
class FrameFuzzTest {
    /** Beside what was read: the first allocation for a body, and the reader itself. */
    private static final long MEMORY = 256 << 10;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Frames that are written again are the bytes that were read, and a header's word costs no memory. */
    @FuzzTest
    void frames(byte[] input) throws IOException {
        byte[] wire = from(input, 1);
        readAll(new FrameReader(new Pieces(wire, at(input, 0) + 1)), new ArrayList<>());
        List<Frame> frames = new ArrayList<>();

        // The second time: the first one may have loaded classes.
        long before = THREADS.getCurrentThreadAllocatedBytes();
        boolean whole = readAll(new FrameReader(new Pieces(wire, at(input, 0) + 1)), frames);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before).isLessThan(MEMORY + 64L * wire.length);

        int length = 0;
        for (Frame frame : frames) {
            byte[] again = Frame.of(frame.streamId(), frame.type(), frame.flags(), frame.data());
            assertThat(again).isEqualTo(Arrays.copyOfRange(wire, length, length + again.length));
            length += again.length;
        }
        assertThat(whole).isEqualTo(length == wire.length);
    }

    /** Wherever a process dies, the next one finds each request once: in the notes, or still on the socket. */
    @FuzzTest
    void death(byte[] input) throws IOException {
        int steps = at(input, 0);
        KeptWire wire = new KeptWire(at(input, 1) + 1);
        List<byte[]> expected = new ArrayList<>();
        for (int i = 2; i < input.length && i < 40; i++) {
            byte[] frame = Frame.of(2 * i + 1, Frame.REQUEST, (byte) 0, Payload.of(new byte[3 * at(input, i)]));
            expected.add(frame);
            wire.arrives(frame);
        }
        wire.ends();
        Path file = Files.createTempDirectory("notes").resolve("calls");
        List<byte[]> seen = new ArrayList<>();
        try {
            wire.diesAfter(steps);
            try (CallNotes notes = CallNotes.open(file)) {
                readAll(new FrameReader(new NotedChannel(wire.served(), notes)), new ArrayList<>());
            } catch (KeptWire.Death death) {
                // As it should, unless it had read all of it before.
            }
            wire.diesAfter(Integer.MAX_VALUE);
            try (CallNotes notes = CallNotes.open(file)) {
                NotedChannel again = new NotedChannel(wire.served(), notes);
                List<Frame> rest = new ArrayList<>();
                again.before().calls().forEach(call -> rest.add(call.frame()));
                readAll(new FrameReader(again, again.before().partial()), rest);
                for (Frame frame : rest) {
                    seen.add(bytes(frame));
                }
            }
        } finally {
            Files.deleteIfExists(file);
            Files.delete(file.getParent());
        }
        assertThat(seen).usingElementComparator(Arrays::compare).containsExactlyElementsOf(expected);
    }

    @FuzzTest
    void request(byte[] input) throws IOException {
        Request request;
        try {
            request = Request.decode(Payload.of(input));
        } catch (IOException refused) {
            return;
        }
        assertThat(request.headers().keys()).allMatch(key -> !key.isEmpty());
        byte[] frame = request.frame(1, (byte) 0);
        Request again = Request.decode(Payload.of(from(frame, Frame.HEADER_LENGTH)));
        assertThat(again.service()).isEqualTo(request.service());
        assertThat(again.method()).isEqualTo(request.method());
        assertThat(again.timeoutNanos()).isEqualTo(request.timeoutNanos());
        assertThat(again.metadata()).isEqualTo(request.metadata());
        assertThat(bytes(again.payload())).isEqualTo(bytes(request.payload()));
    }

    @FuzzTest
    void response(byte[] input) throws IOException {
        Response response;
        try {
            response = Response.decode(Payload.of(input));
        } catch (IOException refused) {
            return;
        }
        Response again = Response.decode(Payload.of(from(response.frame(1), Frame.HEADER_LENGTH)));
        assertThat(bytes(again.payload())).isEqualTo(bytes(response.payload()));
        StatusMessage status = response.status();
        StatusMessage statusAgain = again.status();
        assertThat(statusAgain == null).isEqualTo(status == null);
        if (status != null && statusAgain != null) {
            assertThat(statusAgain.status().getCode()).isEqualTo(status.status().getCode());
            assertThat(statusAgain.message()).isEqualTo(status.message());
            assertThat(statusAgain.trailers().keys())
                    .isEqualTo(status.trailers().keys());
        }
    }

    /** Whether the end came between two frames. */
    private static boolean readAll(FrameReader reader, List<Frame> into) throws IOException {
        try {
            for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
                into.add(frame);
            }
            return true;
        } catch (EOFException cut) {
            return false;
        }
    }

    private static int at(byte[] input, int index) {
        return index < input.length ? Byte.toUnsignedInt(input[index]) : 0;
    }

    private static byte[] from(byte[] input, int index) {
        return Arrays.copyOfRange(input, Math.min(index, input.length), input.length);
    }

    private static byte[] bytes(@Nullable Payload payload) {
        return payload == null ? new byte[0] : payload.copy();
    }

    private static byte[] bytes(Frame frame) throws IOException {
        return Frame.of(frame.streamId(), frame.type(), frame.flags(), frame.data());
    }

    /** Gives at most so many bytes at a time; then comes the end. */
    private static final class Pieces implements ReadableByteChannel {
        private final ByteBuffer left;
        private final int most;

        Pieces(byte[] wire, int most) {
            this.left = ByteBuffer.wrap(wire);
            this.most = most;
        }

        @Override
        public int read(ByteBuffer to) throws IOException {
            if (!left.hasRemaining()) {
                return -1;
            }
            int count = Math.min(most, Math.min(left.remaining(), to.remaining()));
            to.put(left.slice(left.position(), count));
            left.position(left.position() + count);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
