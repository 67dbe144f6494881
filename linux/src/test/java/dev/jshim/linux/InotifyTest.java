package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InotifyTest {
    @TempDir
    Path directory;

    private final List<Epoll.Event> ready = new ArrayList<>();

    @Test
    void tellsWhichFileWasChanged() throws Exception {
        Path first = Files.writeString(directory.resolve("first"), "1");
        Path second = Files.writeString(directory.resolve("second"), "1");
        try (Inotify inotify = new Inotify();
                Epoll epoll = new Epoll()) {
            epoll.add(inotify.fd(), Epoll.IN, 7);
            int watch = inotify.add(first, Inotify.MODIFY);
            int other = inotify.add(second, Inotify.MODIFY);
            assertThat(inotify.add(first, Inotify.MODIFY)).isEqualTo(watch);
            assertThat(changed(inotify)).isEmpty();
            assertThat(epoll.await(ready, 0)).isZero();

            Files.writeString(second, "2");

            assertThat(epoll.await(ready, 30_000)).isEqualTo(1);
            assertThat(changed(inotify)).containsExactly(other);
            Files.writeString(first, "2");
            Files.writeString(second, "3");
            assertThat(changed(inotify)).containsExactlyInAnyOrder(watch, other);
        }
    }

    @Test
    void aRemovedWatchIsSilentAndMayBeRemovedAgain() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "1");
        try (Inotify inotify = new Inotify()) {
            int watch = inotify.add(file, Inotify.MODIFY);
            inotify.remove(watch);
            changed(inotify); // the kernel says that the watch has ended
            Files.writeString(file, "2");
            assertThat(changed(inotify)).isEmpty();
            inotify.remove(watch);
        }
    }

    @Test
    void aMissingFileIsAnError() throws Exception {
        try (Inotify inotify = new Inotify()) {
            assertErrno(Errno.ENOENT, () -> inotify.add(directory.resolve("none"), Inotify.MODIFY));
        }
    }

    private static Set<Integer> changed(Inotify inotify) throws ErrnoException {
        Set<Integer> changed = new HashSet<>();
        inotify.read(changed);
        return changed;
    }
}
