package dev.jshim.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * The native memory of one call: zeroed, freed on close, confined to the calling thread (also a virtual one).
 *
 * <p>Fields are read and written through ByteBuffers: the var handles behind MemorySegment.get cost a start 2 ms more.
 */
final class Memory implements AutoCloseable {
    private static final int POINTER = 8;

    private final Arena arena = Arena.ofConfined();

    Block block(int size) {
        MemorySegment segment = arena.allocate(size, 16);
        return new Block(segment.address(), segment.asByteBuffer().order(ByteOrder.nativeOrder()), segment);
    }

    Block bytes(byte[] bytes, int offset, int length) {
        Block block = block(Math.max(length, 1));
        block.buffer().put(0, bytes, offset, length);
        return block;
    }

    /** The address of a NUL-terminated copy, in UTF-8. */
    long text(String text) {
        return cString(text, StandardCharsets.UTF_8);
    }

    /** The address of a NUL-terminated copy, encoded as the JDK itself encodes paths. */
    long path(Path path) {
        return cString(path.toString(), PathCharset.VALUE);
    }

    /** The address of a NULL-terminated array of strings, as argv and envp are. */
    long texts(List<String> texts) {
        Block array = block((texts.size() + 1) * POINTER);
        for (int i = 0; i < texts.size(); i++) {
            array.buffer().putLong(i * POINTER, text(texts.get(i)));
        }
        return array.address();
    }

    private long cString(String text, Charset charset) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("NUL inside \"" + text.replace('\0', '?') + '"');
        }
        byte[] bytes = text.getBytes(charset);
        Block block = block(bytes.length + 1);
        block.buffer().put(0, bytes);
        return block.address();
    }

    @Override
    public void close() {
        arena.close();
    }

    /** A piece of native memory; the buffer is in native byte order, its position stays 0. */
    record Block(long address, ByteBuffer buffer, MemorySegment segment) {}

    static final class PathCharset {
        static final Charset VALUE =
                Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"), StandardCharsets.UTF_8);

        private PathCharset() {}
    }
}
