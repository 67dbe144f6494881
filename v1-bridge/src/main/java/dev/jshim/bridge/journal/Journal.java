package dev.jshim.bridge.journal;

import dev.jshim.bridge.record.Directories;
import dev.jshim.linux.FileCalls;
import dev.jshim.node.SmallFile;
import dev.jshim.shim.keeper.FaultPoint;
import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What migrations have done to a node: a {@link JournalEntry} for each step, on disk before the step is taken, so that
 * whatever a crash leaves behind is known. A last line without its end was never acted on and is dropped; any other
 * damage is refused. For one thread, which holds the migration's lock.
 */
public final class Journal implements AutoCloseable {
    /** Some ten thousand containers. Whoever reads it may have little memory: a shim does when a container restarts. */
    private static final int MAX_BYTES = 16 << 20;

    private static final String WAY_OUT = "; nothing was changed. If another jshim wrote it, use that one."
            + " Otherwise run apply, rescue or rollback with --rebuild-journal, which sets this file aside and rebuilds it from"
            + " the bundles on the node";

    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final FileChannel channel;

    /** The checksum of the last line. */
    private String sum;

    private Journal(Path file, FileChannel channel, String sum) {
        this.file = file;
        this.channel = channel;
        this.sum = sum;
    }

    /**
     * What is in a journal.
     *
     * @param length bytes up to the end of its last whole line
     * @param sum the checksum of that line; empty if there is none
     * @param damage what ended the reading; null if it is whole
     */
    private record Content(
            List<JournalEntry> entries,
            int length,
            String sum,
            @Nullable IOException damage) {
        Content whole() throws IOException {
            if (damage != null) {
                throw damage;
            }
            return this;
        }
    }

    /** Where the journal of a containerd with this root lies. */
    public static Path file(Path root) {
        return root.resolve("jshim").resolve("journal");
    }

    /**
     * Opens a journal, and begins one where there is none.
     *
     * @throws IOException also for a damaged one; the message names the line and what to do
     */
    public static Journal open(Path file) throws IOException {
        var content = content(file).whole();
        var channel = FileChannel.open(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), PRIVATE);
        var journal = new Journal(file, channel, content.sum());
        try {
            channel.truncate(content.length());
            channel.position(channel.size());
            if (channel.size() == 0) {
                journal.write(JournalEntry.header());
                FaultPoint.at("journal-begun");
                Directories.syncParent(file);
            }
            return journal;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * The entries of a journal, none where there is no such file.
     *
     * @throws IOException for one that is damaged or cannot be read; the message names the line and what to do
     */
    public static List<JournalEntry> read(Path file) throws IOException {
        return content(file).whole().entries();
    }

    /** The entries before the damage, if there is any: each line's checksum covers those before. */
    public static List<JournalEntry> readable(Path file) {
        return content(file).entries();
    }

    /** Whether there is something in its place that cannot be read as a journal. */
    public static boolean isDamaged(Path file) {
        return content(file).damage() != null;
    }

    private static Content content(Path file) {
        List<JournalEntry> entries = new ArrayList<>();
        var start = 0;
        var number = 0;
        var sum = "";
        try {
            var bytes = SmallFile.bytes(file, MAX_BYTES);
            if (bytes != null && !isOurs(file)) {
                throw new IOException("others may write it, but it names programs that root runs");
            }
            for (var end = 0; bytes != null && end < bytes.length; end++) {
                if (bytes[end] == '\n') {
                    number++;
                    var slice = Arrays.copyOfRange(bytes, start, end);
                    var line = new String(slice, StandardCharsets.UTF_8);
                    // Bytes that are no text must not become one that passes for another.
                    if (!Arrays.equals(line.getBytes(StandardCharsets.UTF_8), slice)) {
                        throw new IOException("it is no text");
                    }
                    var entry = JournalEntry.parse(line, sum);
                    if (entry != null) {
                        entries.add(entry);
                    }
                    sum = JournalEntry.sumOf(line);
                    start = end + 1;
                }
            }
            return new Content(entries, start, sum, null);
        } catch (IOException e) {
            var what = "the journal " + file + " is damaged" + (number == 0 ? "" : " in line " + number) + ": "
                    + e.getMessage() + WAY_OUT;
            return new Content(entries, start, sum, new IOException(what, e));
        }
    }

    /** In a folder that nobody else can enter any mode will do. */
    private static boolean isOurs(Path file) throws IOException {
        var real = file.toRealPath();
        var folder = real.getParent();
        return FileCalls.isClosed(real)
                || (folder != null
                        && FileCalls.isClosed(folder)
                        && Files.getPosixFilePermissions(folder).equals(PosixFilePermissions.fromString("rwx------")));
    }

    /**
     * Puts a new journal in the place of a damaged one, which is kept. Whoever is killed in the middle leaves the
     * damaged one in its place, and so does a full disk. What is no file, a link or a folder, cannot have two names: a
     * kill at that very moment leaves it aside, and none in its place.
     *
     * @param damaged what {@link #isDamaged} says so of
     * @return where it is now
     */
    public static Path replace(Path damaged, List<JournalEntry> entries) throws IOException {
        var fresh = damaged.resolveSibling("journal.new");
        Files.deleteIfExists(fresh);
        try (var journal = open(fresh)) {
            for (var entry : entries) {
                journal.add(entry);
            }
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        var aside = damaged.resolveSibling("journal.damaged");
        for (var i = 1; Files.exists(aside, LinkOption.NOFOLLOW_LINKS); i++) {
            aside = damaged.resolveSibling("journal.damaged." + i);
        }
        if (Files.isRegularFile(damaged, LinkOption.NOFOLLOW_LINKS)) {
            Files.createLink(aside, damaged);
        } else {
            Files.move(damaged, aside);
        }
        FaultPoint.at("journal-aside");
        Files.move(fresh, damaged, StandardCopyOption.ATOMIC_MOVE);
        Directories.syncParent(damaged);
        return aside;
    }

    /** Adds an entry; it is on disk when this returns. Where it cannot be written the journal is as it was before. */
    public void add(JournalEntry entry) throws IOException {
        write(entry.line(sum));
    }

    private void write(String line) throws IOException {
        FaultPoint.at("journal-before");
        var start = channel.position();
        try {
            // Strictly: a text that cannot be read again is not written.
            var bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(line + "\n"));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            FaultPoint.at("journal-written");
            channel.force(true);
        } catch (IOException e) {
            // A full disk takes a part of a line: what is written next must not come after it.
            channel.truncate(start);
            channel.position(start);
            throw new IOException("the journal " + file + " cannot be written: " + e.getMessage(), e);
        }
        sum = JournalEntry.sumOf(line);
        FaultPoint.at("journal-forced");
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
