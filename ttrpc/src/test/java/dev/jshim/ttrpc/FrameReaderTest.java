package dev.jshim.ttrpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameReaderTest {
    private static final int TAIL_ID = 99;

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "request,            00000002 00000001 01 00 abcd, 1, 1, 0, abcd",
        "empty response,     00000000 00000003 02 00,      3, 2, 0, ''",
        "data and its flags, 00000001 00000005 03 05 00,   5, 3, 5, 00",
        "highest id,         00000000 ffffffff 01 00,     -1, 1, 0, ''",
        "unknown type,       00000001 00000007 43 80 ff,   7, 67, -128, ff",
    })
    void takesApart(String name, String bytes, int id, byte type, byte flags, String data) throws IOException {
        byte[] wire = HexFormat.of().parseHex(bytes.replace(" ", ""));
        FrameReader reader = new FrameReader(Channels.newChannel(new ByteArrayInputStream(wire)));

        Frame frame = requireNonNull(reader.next());

        assertThat(frame.streamId()).isEqualTo(id);
        assertThat(frame.type()).isEqualTo(type);
        assertThat(frame.flags()).isEqualTo(flags);
        assertThat(HexFormat.of().formatHex(frame.data().copy())).isEqualTo(data);
        assertThat(reader.next()).isNull();
        assertThat(Frame.of(id, type, flags, frame.data())).isEqualTo(wire);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 9, 10, 1013, 1014, 1015, 65_535, 65_536, 65_537, Frame.MAX_LENGTH})
    void readsAnyLengthFromAnyPieces(int length) throws IOException {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++) {
            data[i] = (byte) (i * 31);
        }
        byte[] one = Frame.of(1, Frame.REQUEST, (byte) 0, Payload.of(data));
        byte[] tail = Frame.empty(TAIL_ID, Frame.RESPONSE, (byte) 0);
        for (int piece : new int[] {7, 1000, 1 << 20}) {
            FrameReader reader = new FrameReader(new Pieces(piece, one, tail));
            Frame frame = requireNonNull(reader.next());
            assertThat(frame.data().copy()).isEqualTo(data);
            Frame last = requireNonNull(reader.next());
            assertThat(last.streamId()).isEqualTo(TAIL_ID);
            assertThat(reader.next()).isNull();
        }
    }

    @Test
    void passesOverTheDataOfAnOversizedFrame() throws IOException {
        byte[] big = new byte[Frame.HEADER_LENGTH + Frame.MAX_LENGTH + 1];
        Frame.putHeader(big, 5, Frame.REQUEST, (byte) 0);
        FrameReader reader = new FrameReader(new Pieces(100_000, big, Frame.empty(TAIL_ID, Frame.DATA, (byte) 0)));

        Frame frame = requireNonNull(reader.next());

        assertThat(frame.oversized()).isTrue();
        assertThat(frame.streamId()).isEqualTo(5);
        assertThat(frame.length()).isEqualTo(Frame.MAX_LENGTH + 1L);
        Frame last = requireNonNull(reader.next());
        assertThat(last.streamId()).isEqualTo(TAIL_ID);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "00",
                "000000020000000101",
                "00000002000000010100",
                "00000002000000010100ab",
                "ffffffff0000000101000000"
            })
    void tellsACutFrameFromAnEnd(String bytes) {
        byte[] wire = HexFormat.of().parseHex(bytes);
        FrameReader reader = new FrameReader(Channels.newChannel(new ByteArrayInputStream(wire)));
        assertThatThrownBy(reader::next).isInstanceOf(EOFException.class);
    }

    @Test
    void allocatesNothingOnTheWordOfAHeader() {
        byte[] header = HexFormat.of().parseHex("003fffff000000010100");
        FrameReader[] readers = new FrameReader[1000];
        for (int i = 0; i < readers.length; i++) {
            readers[i] = new FrameReader(Channels.newChannel(new ByteArrayInputStream(header)));
            assertThatThrownBy(readers[i]::next).isInstanceOf(EOFException.class);
        }
    }

    /** Gives out bytes in pieces of one size. */
    private static final class Pieces implements ReadableByteChannel {
        private final int piece;
        private final ByteBuffer all;

        Pieces(int piece, byte[]... parts) {
            this.piece = piece;
            int length = 0;
            for (byte[] part : parts) {
                length += part.length;
            }
            all = ByteBuffer.allocate(length);
            for (byte[] part : parts) {
                all.put(part);
            }
            all.flip();
        }

        @Override
        public int read(ByteBuffer target) {
            if (!all.hasRemaining()) {
                return -1;
            }
            int n = Math.min(piece, Math.min(target.remaining(), all.remaining()));
            target.put(all.slice(all.position(), n));
            all.position(all.position() + n);
            return n;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
