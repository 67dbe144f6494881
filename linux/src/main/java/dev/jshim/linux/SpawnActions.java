package dev.jshim.linux;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A posix_spawn_file_actions_t. The kernel-side work happens in the child, in the order of the calls here. */
final class SpawnActions implements AutoCloseable {
    private static final Path DEV_NULL = Path.of("/dev/null");

    private final Memory memory;
    private final @Nullable MethodHandle addCloseFrom;
    private final long address;
    private final List<Fd> moved = new ArrayList<>();

    /** The function is null if glibc lacks it. */
    SpawnActions(Memory memory, @Nullable MethodHandle addCloseFrom) throws ErrnoException {
        this.memory = memory;
        this.addCloseFrom = addCloseFrom;
        address = memory.block(Layouts.SPAWN_ACTIONS_SIZE).address();
        check(NativeCall.call(SpawnFunctions.ACTIONS_INIT, address, 0, 0, 0, 0, 0));
    }

    long address() {
        return address;
    }

    void changeDirectory(Path directory) throws ErrnoException {
        MethodHandle function = SpawnFunctions.ADD_CHDIR;
        if (function == null) {
            throw new ErrnoException("posix_spawn_file_actions_addchdir_np", null, Errno.ENOSYS);
        }
        check(NativeCall.call(function, address, memory.path(directory), 0, 0, 0, 0));
    }

    /** Gives the child these descriptors under these numbers (null is /dev/null) and closes all others. */
    void descriptors(SortedMap<Integer, @Nullable Fd> descriptors) throws ErrnoException {
        int next = descriptors.lastKey() + 1;
        for (Map.Entry<Integer, @Nullable Fd> entry : descriptors.entrySet()) {
            Fd source = entry.getValue();
            if (source == null) {
                long path = memory.path(DEV_NULL);
                check(NativeCall.call(SpawnFunctions.ADD_OPEN, address, entry.getKey(), path, OpenFlags.O_RDWR, 0, 0));
            } else {
                duplicate(source, entry.getKey(), next);
            }
        }
        for (int number = 0; number < next; number++) {
            if (!descriptors.containsKey(number)) {
                close(number);
            }
        }
        closeFrom(next);
    }

    /**
     * A source with the number of a target would be overwritten before its turn, and onto itself dup2 keeps
     * close-on-exec (before glibc 2.29): such a source is moved out of the way first.
     */
    private void duplicate(Fd source, int target, int next) throws ErrnoException {
        if (!source.isOpen()) {
            throw new ErrnoException("spawn", "descriptor " + target + " from a " + source, Errno.EBADF);
        }
        Fd safe = source;
        if (source.number() < next) {
            safe = source.duplicateAbove(next);
            moved.add(safe);
        }
        check(NativeCall.call(SpawnFunctions.ADD_DUP2, address, safe.number(), target, 0, 0, 0));
    }

    private void closeFrom(int lowest) throws ErrnoException {
        if (addCloseFrom != null) {
            check(NativeCall.call(addCloseFrom, address, lowest, 0, 0, 0, 0));
        } else {
            closeListed(lowest);
        }
    }

    /** Before glibc 2.34: what is open now. A descriptor that another thread opens just after is missed. */
    private void closeListed(int lowest) throws ErrnoException {
        TreeSet<Integer> open = new TreeSet<>();
        try (DirectoryStream<Path> list = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            list.forEach(path -> open.add(Integer.parseInt(path.getFileName().toString())));
        } catch (IOException | DirectoryIteratorException e) {
            throw new ErrnoException("readdir", "/proc/self/fd", Errno.EIO);
        }
        for (int number : open.tailSet(lowest)) {
            close(number);
        }
    }

    private void close(int number) throws ErrnoException {
        check(NativeCall.call(SpawnFunctions.ADD_CLOSE, address, number, 0, 0, 0, 0));
    }

    private static void check(int error) throws ErrnoException {
        if (error != 0) {
            throw new ErrnoException("posix_spawn_file_actions", null, error);
        }
    }

    @Override
    public void close() {
        NativeCall.call(SpawnFunctions.ACTIONS_DESTROY, address, 0, 0, 0, 0, 0);
        moved.forEach(Fd::close);
    }
}
