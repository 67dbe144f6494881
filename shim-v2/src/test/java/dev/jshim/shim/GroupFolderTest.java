package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.shim.config.Protocol;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupFolderTest {
    @TempDir
    Path base;

    private final List<ServerSocketChannel> listeners = new ArrayList<>();

    private static final ProcessId SELF =
            ProcessId.of((int) ProcessHandle.current().pid());

    private GroupRecord record;

    @BeforeEach
    void setUp() {
        record = recordOf(SELF, folder().socket(null));
    }

    private static GroupRecord recordOf(ProcessId shim, Path socket) {
        return new GroupRecord(shim, 3, Protocol.TTRPC, socket, new ProcessId(8, 80), "unix:///x y");
    }

    @AfterEach
    void close() throws IOException {
        for (var listener : listeners) {
            listener.close();
        }
    }

    private GroupFolder folder() {
        return GroupFolder.of(base, "/c.sock", "ns", "group");
    }

    /** A shim in this process, which lives. */
    private GroupFolder founded() throws IOException {
        var folder = folder();
        assertThat(folder.claim(record)).isTrue();
        listen(record);
        return folder;
    }

    private void listen(GroupRecord shim) throws IOException {
        listeners.add(TtrpcTransport.listen(shim.socket()));
    }

    private void deadShim(Path socket) throws IOException {
        assertThat(folder().claim(recordOf(new ProcessId(SELF.pid(), 1), socket)))
                .isTrue();
        TtrpcTransport.listen(socket).close();
    }

    /** The folder itself. */
    private Path path() {
        return Objects.requireNonNull(folder().socket(null).getParent());
    }

    private List<Path> left(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void foundedThenJoined() throws Exception {
        assertThat(folder().join()).isNull();
        founded();

        assertThat(folder().join()).isEqualTo(record);
        assertThat(Files.getPosixFilePermissions(path())).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void theFasterOfTwoFounders() throws Exception {
        var first = folder();
        assertThat(first.claim(record)).isTrue();
        var second = folder();
        assertThat(second.claim(record)).isFalse();
        second.remove();

        var serving = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(100);
                listeners.add(TtrpcTransport.listen(record.socket()));
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(second.join()).as("waits for its socket").isEqualTo(record);
        serving.join();
        try (var files = Files.list(base)) {
            assertThat(files).containsExactly(path());
        }
    }

    @Test
    void whatADeadShimLeftIsRemoved() throws Exception {
        deadShim(record.socket());

        assertThat(folder().join()).isNull();
        assertThat(path()).doesNotExist();
        founded();
    }

    @Test
    void endsWhereNobodyJoins() throws Exception {
        var founder = founded();

        assertThat(founder.leave(() -> true)).isTrue();
        try (var files = Files.list(base)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void staysWhereTheRegistrySaysNo() throws Exception {
        var founder = founded();

        assertThat(founder.leave(() -> {
                    assertThat(record.socket()).as("while it decides").doesNotExist();
                    return false;
                }))
                .isFalse();
        assertThat(folder().join()).isEqualTo(record);
    }

    @Test
    void staysWhileAJoinedStartMayCreate() throws Exception {
        var founder = founded();
        assertThat(folder().join()).isNotNull();

        assertThat(founder.leave(() -> true)).isFalse();
        Files.setLastModifiedTime(path().resolve("joined"), FileTime.fromMillis(System.currentTimeMillis() - 60_000));
        assertThat(founder.leave(() -> true)).isTrue();
    }

    @Test
    void foundedAnewWhileItDecides() throws Exception {
        var old = founded();
        assertThat(old.leave(() -> {
                    try {
                        assertThat(folder().claim(record.answered(new ProcessId(9, 90), "new")))
                                .isTrue();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                    return false;
                }))
                .isFalse();

        old.remove();
        listen(record);
        var joined = Objects.requireNonNull(folder().join());
        assertThat(joined.answer()).isEqualTo("new");
    }

    /** As by one who clears /run, or who took us for dead. */
    @Test
    void endsAfterAWhileWhereItsFolderWasTakenAway() throws Exception {
        var founder = founded();
        var elsewhere = base.resolveSibling(base.getFileName() + ".elsewhere");
        Files.move(path(), elsewhere);

        assertThat(founder.leave(() -> true, Duration.ofHours(1))).isFalse();
        assertThat(founder.leave(() -> true, Duration.ofHours(1))).isFalse();
        Files.move(elsewhere, path());
        assertThat(founder.leave(() -> false, Duration.ZERO)).isFalse();
        assertThat(folder().join()).as("it was put back").isEqualTo(record);

        Files.move(path(), elsewhere);
        assertThat(founder.leave(() -> false, Duration.ZERO)).isFalse();
        assertThat(founder.leave(() -> true, Duration.ZERO)).isTrue();
        Files.move(elsewhere, path());
    }

    @Test
    void theOneThatHasFoundedItAnewIsLeftAlone() throws Exception {
        var old = founded();
        Files.move(path(), base.resolve("elsewhere"));
        var other = recordOf(new ProcessId(9, 90), record.socket());
        assertThat(folder().claim(other)).isTrue();
        listen(record);

        assertThat(old.leave(() -> true, Duration.ofHours(1))).isFalse();
        assertThat(old.leave(() -> true, Duration.ZERO)).isTrue();
        old.remove();
        assertThat(folder().join()).isEqualTo(other);
    }

    @Test
    void theRecordIsReadAsItWasWritten() throws IOException {
        record.write(base);

        assertThat(GroupRecord.read(base)).isEqualTo(record);
        assertThat(Files.readString(base.resolve(GroupRecord.FILE)))
                .isEqualTo("shim " + SELF + "\nversion 3\nprotocol ttrpc\nsocket " + record.socket()
                        + "\ncaller 8 80\nanswer unix:///x y\n");
    }

    @Test
    void groupsAreApart() {
        assertThat(List.of(
                        folder(),
                        GroupFolder.of(base, "/d.sock", "ns", "group"),
                        GroupFolder.of(base, "/c.sock", "n", "group"),
                        GroupFolder.of(base, "/c.sock", "ns", "other")))
                .extracting(group -> group.socket(null))
                .doesNotHaveDuplicates();
        assertThat(GroupFolder.of("/c.sock", "ns", "group").socket(null)).startsWithRaw(Path.of("/run/jshim/s"));
    }

    /** containerd 2.3 names a folder; one that comes later may name another, or none. */
    @Test
    void theSocketLiesWhereTheFoundersContainerdWantedIt() throws Exception {
        var wanted = base.resolve("sockets");
        record = recordOf(SELF, folder().socket(wanted));
        assertThat(record.socket()).hasParentRaw(wanted);
        var founder = founded();

        assertThat(Files.getPosixFilePermissions(wanted)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
        assertThat(folder().join()).isEqualTo(record);
        assertThat(founder.leave(() -> true)).isFalse();
        Files.setLastModifiedTime(path().resolve("joined"), FileTime.fromMillis(System.currentTimeMillis() - 60_000));
        assertThat(founder.leave(() -> true)).isTrue();
        assertThat(left(wanted)).isEmpty();
        assertThat(left(base)).containsExactly(wanted);
    }

    @Test
    void aSocketElsewhereGoesWithItsDeadShim() throws Exception {
        var wanted = base.resolve("sockets");
        deadShim(folder().socket(wanted));
        assertThat(left(wanted)).hasSize(1);

        assertThat(folder().join()).isNull();
        assertThat(left(wanted)).isEmpty();
    }

    @Test
    void aSocketElsewhereGoesWithAShimWhoseFolderWasTakenAway() throws Exception {
        var wanted = base.resolve("sockets");
        record = recordOf(SELF, folder().socket(wanted));
        var founder = founded();
        var elsewhere = base.resolve("elsewhere");
        Files.move(path(), elsewhere);

        founder.remove();
        assertThat(left(wanted)).isEmpty();
    }

    @Test
    void noSocketIsMadeWhereOthersMayWriteOrNoneHasAnAddress() throws Exception {
        var open = Files.createDirectory(base.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        var link = Files.createSymbolicLink(base.resolve("link"), Files.createDirectory(base.resolve("target")));
        for (var wanted : List.of(open, link, base.resolve("x".repeat(80)), Path.of("relative"))) {
            assertThat(folder().socket(wanted)).isEqualTo(path().resolve("sock"));
        }
    }
}
