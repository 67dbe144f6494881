package dev.jshim.shim;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What Go's linker writes into a program: the path of its main package and its modules (debug/buildinfo of Go 1.18 and
 * later; the header has a magic, a flag that the strings follow in place, and two strings with their lengths).
 */
public final class GoBuildInfo {
    private static final String SECTION = ".go.buildinfo";
    private static final byte[] MAGIC = "\u00ff Go buildinf:".getBytes(StandardCharsets.ISO_8859_1);
    private static final int STRINGS_AT = 32;
    private static final int INLINE = 2;
    private static final int MAX_SECTION = 1 << 20;

    private GoBuildInfo() {}

    /**
     * The lines {@code path}, {@code mod}, {@code dep} and {@code build}, with tabs between the fields; empty for a
     * program that has none. Reads a few kilobytes, whatever the size of the program.
     *
     * @throws IOException also if the file is no little-endian 64-bit ELF file
     */
    public static String read(Path program) throws IOException {
        try (var file = FileChannel.open(program, StandardOpenOption.READ)) {
            var header = bytes(file, 0, 64);
            if (header.getInt(0) != 0x464c457f || header.get(4) != 2 || header.get(5) != 1) {
                throw new IOException(program + " is not a 64-bit little-endian ELF file");
            }
            return modules(section(file, header));
        } catch (IndexOutOfBoundsException e) {
            throw new IOException(program + " is damaged", e);
        }
    }

    private static ByteBuffer section(FileChannel file, ByteBuffer header) throws IOException {
        var size = Short.toUnsignedInt(header.getShort(0x3a));
        var count = Short.toUnsignedInt(header.getShort(0x3c));
        var namesAt = Short.toUnsignedInt(header.getShort(0x3e)) * size;
        if (size < 64 || count == 0) {
            return ByteBuffer.allocate(0);
        }
        var table = bytes(file, header.getLong(0x28), size * count);
        var names = bytes(file, table.getLong(namesAt + 24), (int) table.getLong(namesAt + 32));
        for (var at = 0; at < size * count; at += size) {
            if (isNamed(names, table.getInt(at))) {
                return bytes(file, table.getLong(at + 24), (int) Math.min(table.getLong(at + 32), MAX_SECTION));
            }
        }
        return ByteBuffer.allocate(0);
    }

    private static boolean isNamed(ByteBuffer names, int at) {
        for (var i = 0; i < SECTION.length(); i++) {
            if (names.get(at + i) != SECTION.charAt(i)) {
                return false;
            }
        }
        return names.get(at + SECTION.length()) == 0;
    }

    private static String modules(ByteBuffer section) {
        if (section.limit() < STRINGS_AT
                || !section.slice(0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))
                || (section.get(MAGIC.length + 1) & INLINE) == 0) {
            return "";
        }
        section.position(STRINGS_AT);
        var _ = string(section); // Go's version
        // 16 bytes of a mark on either side.
        var marked = string(section);
        return marked.length < 33 ? "" : new String(marked, 16, marked.length - 32, StandardCharsets.UTF_8);
    }

    private static byte[] string(ByteBuffer from) {
        var length = 0;
        for (var shift = 0; ; shift += 7) {
            var b = from.get(from.position());
            from.position(from.position() + 1);
            length |= (b & 0x7f) << shift;
            if (b >= 0) {
                break;
            }
            if (shift > 21) {
                throw new IndexOutOfBoundsException(length);
            }
        }
        var bytes = new byte[java.util.Objects.checkIndex(length, from.remaining() + 1)];
        from.get(bytes);
        return bytes;
    }

    private static ByteBuffer bytes(FileChannel file, long at, int length) throws IOException {
        if (at < 0 || length < 0 || length > file.size() - at) {
            throw new IndexOutOfBoundsException(at);
        }
        var bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && file.read(bytes, at + bytes.position()) >= 0) {}
        return bytes.flip();
    }
}
