package dev.jshim.shim;

import dev.jshim.linux.Deadline;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.ProcessId;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the starts of a group meet: a folder of mode 0700 with a {@link GroupRecord}, the shim's socket, and a file
 * that each joining start truncates.
 *
 * <p>It appears, with the record in it, and disappears as a whole, by rename(2): of two starts at once one sees that
 * the other was faster, and waits for its socket. A start joins by truncating the file first and looking for the shim
 * then; a shim ends by moving the folder away first and looking at the file then. So one of them always sees the other,
 * without a lock, and launcher.c can join too. The socket is bound under its own name, which ss and /proc/net/unix
 * show; it lies in the folder, or where containerd wanted it when the group was founded: who joins does not ask where.
 * Thread-safe.
 */
final class GroupFolder {
    /** Our own and closed to others. A property for the tests. */
    private static final Path BASE = Path.of(System.getProperty("jshim.sockets", "/run/jshim/s"));

    /** In it the keeper says how the JVM stands, and how the one before has ended. */
    static final String STATUS = "keeper";

    private static final String JOINED = "joined";

    /**
     * How long after a start has joined its Create may still be on the way, and how long a shim that nobody needs
     * stays. A property for the tests, in seconds.
     */
    static final Duration GRACE = Duration.ofSeconds(Integer.getInteger("jshim.grace", 10));

    /** Between the record and the socket of a founder. */
    private static final Duration FOUNDING = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(2);

    /** sun_path, without the zero at its end. */
    private static final int MAX_PATH = 107;

    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path folder;
    private final String name;
    private final int pid = ShimPid.get();
    private Path current;
    private boolean claimed;
    /** What this process has claimed the folder with; null before. */
    private @Nullable GroupRecord own;
    /** Since when the folder is known to be away, as {@link System#nanoTime}; null while it is ours. */
    private @Nullable Long namelessSince;

    private GroupFolder(Path base, String name) {
        this.name = name;
        folder = base.resolve(name);
        current = folder;
    }

    /**
     * The folder of a group under one containerd. Its name is made of what identifies the group, and of nothing else,
     * so that all starts of a group meet at it, under whichever containerd.
     */
    static GroupFolder of(String containerdAddress, String namespace, String group) {
        return of(BASE, containerdAddress, namespace, group);
    }

    /** The same elsewhere. */
    static GroupFolder of(Path base, String containerdAddress, String namespace, String group) {
        // launcher.c names it in the same way.
        var identity = containerdAddress + "/" + namespace + "/" + group;
        var name = HexFormat.of().formatHex(Sha256.of(identity.getBytes(StandardCharsets.UTF_8)));
        return new GroupFolder(base, name);
    }

    /**
     * The folder that a process before this one has founded, wherever a death in {@link #leave} has left it.
     *
     * @param folder its name while it can be found
     * @param shim the process that stands for the shim
     * @return null if there is none, or another shim has it
     */
    static @Nullable GroupFolder resume(Path folder, ProcessId shim) throws IOException {
        var group = new GroupFolder(Objects.requireNonNull(folder.getParent()), String.valueOf(folder.getFileName()));
        for (var place : List.of(folder, group.aside())) {
            try {
                var record = GroupRecord.read(place);
                if (record.shim().equals(shim)) {
                    if (!place.equals(folder) && !Files.exists(folder)) {
                        Files.move(place, folder, StandardCopyOption.ATOMIC_MOVE); // as it was before leave()
                        group.current = folder;
                    } else {
                        group.current = place;
                    }
                    group.own = record;
                    group.claimed = true;
                    return group;
                }
            } catch (NoSuchFileException e) {
                // Not there.
            }
        }
        if (!Files.exists(group.aside().resolve(GroupRecord.FILE))) {
            deleteAll(group.aside()); // what is left of it if the one before died over its removal
        }
        return null;
    }

    /** Where it is now. */
    synchronized Path path() {
        return current;
    }

    private Path aside() {
        return folder.resolveSibling(name + ".end" + pid);
    }

    /**
     * Where this process would listen if it were the group's shim.
     *
     * @param wanted the folder that containerd names, null for none. A socket there is found by its name alone, so it
     *     is not used if its path would be too long, or others could put something else in the socket's place.
     */
    Path socket(@Nullable Path wanted) {
        if (wanted != null) {
            // Shorter than a socket of the Go shim, which may lie there too, and never the same; lib/sh/delete.sh knows
            // it.
            var socket = wanted.resolve("jshim-" + name.substring(0, 32) + "." + pid);
            if (socket.isAbsolute() && socket.toString().length() <= MAX_PATH && isClosed(wanted)) {
                return socket;
            }
        }
        return folder.resolve(GroupRecord.SOCKET);
    }

    /** Makes a folder if there is none, and looks whether it is ours. */
    private static boolean isClosed(Path directory) {
        try {
            Files.createDirectories(directory, PRIVATE);
            return FileCalls.isClosed(directory);
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Joins the group's shim; null if there is none. What a dead one has left is removed.
     *
     * @throws IOException also if a founder lives and does not serve
     */
    @Nullable
    GroupRecord join() throws IOException, InterruptedException {
        var deadline = Deadline.in(FOUNDING);
        while (Files.exists(folder)) {
            GroupRecord record;
            try {
                record = GroupRecord.read(folder);
                Files.write(folder.resolve(JOINED), new byte[0]);
            } catch (NoSuchFileException e) {
                return null; // It has just ended.
            }
            if (answers(record.socket())) {
                return record;
            }
            if (!record.shim().isAlive()) {
                removeDead();
                return null;
            }
            if (deadline.isOver()) {
                throw new IOException(
                        "process " + record.shim().pid() + " holds " + folder + " but does not serve: end it");
            }
            Thread.sleep(LOOK);
        }
        return null;
    }

    /** Leaves the answer for the next start of the same caller, perhaps one without a JVM. */
    void remember(GroupRecord record) throws IOException {
        try {
            record.write(folder);
        } catch (NoSuchFileException e) {
            ShimLog.debug("the group has ended meanwhile", "folder", folder);
        }
    }

    private void removeDead() throws IOException {
        var aside = folder.resolveSibling(name + ".old" + pid);
        try {
            Files.move(folder, aside, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            return; // Somebody else was faster.
        }
        if (GroupRecord.read(aside).shim().isAlive()) {
            // Somebody else was faster still, and has founded the group again in between.
            Files.move(aside, folder, StandardCopyOption.ATOMIC_MOVE);
        } else {
            delete(aside);
        }
    }

    /**
     * Founds the group, whose socket is to be bound next; false if it is founded already.
     *
     * @param record of this process
     */
    synchronized boolean claim(GroupRecord record) throws IOException {
        makeBase(Objects.requireNonNull(folder.getParent()));
        var draft = folder.resolveSibling(name + ".new" + pid);
        delete(draft); // of a process that had our pid and was killed
        removeOutside(record.socket());
        Files.createDirectory(draft, PRIVATE);
        record.write(draft);
        try {
            Files.move(draft, folder, StandardCopyOption.ATOMIC_MOVE);
            claimed = true;
            own = record;
            return true;
        } catch (FileSystemException e) {
            delete(draft);
            if (Files.exists(folder)) {
                return false;
            }
            throw e;
        }
    }

    private static void makeBase(Path base) throws IOException {
        Files.createDirectories(base, PRIVATE);
        Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwx------"));
    }

    /**
     * Ends the group: no start joins it any more once this has returned true. A start that comes meanwhile founds it
     * again.
     *
     * @param close the last word, called while nobody can find the folder
     * @return false, and all is as it was, if a start has just joined or {@code close} has said no
     */
    boolean leave(BooleanSupplier close) {
        return leave(close, GRACE);
    }

    /** @param grace how long a shim whose folder was taken away stays for those who are connected */
    synchronized boolean leave(BooleanSupplier close, Duration grace) {
        if (isNameless()) {
            return nameless(close, grace);
        }
        namelessSince = null;
        if (hasJust(current)) {
            return false; // The usual case, without a moment in which a client cannot connect.
        }
        var aside = aside();
        try {
            if (current.equals(folder)) {
                Files.move(folder, aside, StandardCopyOption.ATOMIC_MOVE);
                if (isAnothers(aside)) { // founded again since we looked
                    Files.move(aside, folder, StandardCopyOption.ATOMIC_MOVE);
                    return false;
                }
                current = aside;
            }
            if (!hasJust(current) && close.getAsBoolean()) {
                delete(current);
                return true;
            }
            Files.move(current, folder, StandardCopyOption.ATOMIC_MOVE);
            current = folder;
            return false;
        } catch (IOException e) {
            // Moved by somebody who took us for dead, or the group founded again while we decided.
            ShimLog.warn("the group has another shim now", "folder", folder, "error", e.toString());
            return false;
        }
    }

    /** Whether the folder is away, removed by somebody, or has been founded again by another shim since. */
    private boolean isNameless() {
        return current.equals(folder) && (!Files.exists(folder) || isAnothers(folder));
    }

    private boolean isAnothers(Path folder) {
        try {
            return own == null || !GroupRecord.read(folder).shim().equals(own.shim());
        } catch (IOException e) {
            return false; // a founder puts its record there first
        }
    }

    /**
     * Nobody can join any more; who is connected is served for a while yet, since somebody who took us for dead puts
     * the folder back when he sees that we live. Without an end to that a shim whose folder was removed would stay for
     * good.
     */
    private boolean nameless(BooleanSupplier close, Duration grace) {
        var now = System.nanoTime();
        var since = namelessSince;
        if (since == null) {
            ShimLog.warn("the group's folder was removed", "folder", folder);
            since = now;
            namelessSince = since;
        }
        return now - since >= grace.toNanos() && close.getAsBoolean();
    }

    private static boolean hasJust(Path folder) {
        try {
            var joined = Files.getLastModifiedTime(folder.resolve(JOINED)).toMillis();
            return Math.abs(System.currentTimeMillis() - joined) < GRACE.toMillis();
        } catch (IOException e) {
            return false; // nobody has ever joined
        }
    }

    /** Removes the folder, whatever state it is in, if it is ours. */
    synchronized void remove() {
        try {
            if (own != null && claimed) {
                removeOutside(own.socket());
                if (!isAnothers(current)) {
                    delete(current);
                    claimed = false; // By the next time the name may be another shim's.
                }
            }
        } catch (IOException e) {
            ShimLog.warn("cannot remove the socket", "folder", current, "error", e.toString());
        }
    }

    /** Removes the folder under the name that it has by now, with the socket that its record names. */
    private void delete(Path named) throws IOException {
        if (!Files.exists(named)) {
            return;
        }
        try {
            removeOutside(GroupRecord.read(named).socket());
        } catch (IOException e) {
            ShimLog.debug("a folder without a record", "folder", named, "error", e.toString());
        }
        if (named.equals(aside())) {
            Files.deleteIfExists(named.resolve(GroupRecord.FILE)); // nobody goes on with the half of it
        }
        deleteAll(named);
    }

    private static void deleteAll(Path directory) throws IOException {
        try (var files = Files.newDirectoryStream(directory)) {
            for (var file : files) {
                if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    deleteAll(file);
                } else {
                    Files.deleteIfExists(file);
                }
            }
        } catch (NoSuchFileException e) {
            return; // It ends while we look.
        }
        Files.deleteIfExists(directory);
    }

    /** One that lies in the folder goes with it; at that path may be the socket of a shim that has founded it again. */
    private void removeOutside(Path socket) throws IOException {
        if (!socket.startsWith(folder)) {
            Files.deleteIfExists(socket);
        }
    }

    /** Whether somebody accepts connections at a socket. */
    static boolean answers(Path socket) {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }
}
