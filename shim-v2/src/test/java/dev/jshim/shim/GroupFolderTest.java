package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.shim.config.Protocol;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupFolderTest {
    @TempDir
    Path base;

    private final java.util.List<ServerSocketChannel> listeners = new java.util.ArrayList<>();

    private static final GroupRecord RECORD = new GroupRecord(
            GroupRecord.ProcessId.of((int) ProcessHandle.current().pid()),
            3,
            Protocol.TTRPC,
            new GroupRecord.ProcessId(8, 80),
            "unix:///x y");

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
        assertThat(folder.claim(RECORD)).isTrue();
        listeners.add(TtrpcTransport.listen(folder.socket()));
        return folder;
    }

    private void deadShim() throws IOException {
        var dead = new GroupRecord(
                new GroupRecord.ProcessId(RECORD.shim().pid(), 1), 3, Protocol.TTRPC, RECORD.caller(), "");
        assertThat(folder().claim(dead)).isTrue();
        TtrpcTransport.listen(folder().socket()).close();
    }

    private Path path() {
        return Objects.requireNonNull(folder().socket().getParent());
    }

    @Test
    void foundedThenJoined() throws Exception {
        assertThat(folder().join()).isNull();
        founded();

        assertThat(folder().join()).isEqualTo(RECORD);
        assertThat(Files.getPosixFilePermissions(path())).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void theFasterOfTwoFounders() throws Exception {
        var first = folder();
        assertThat(first.claim(RECORD)).isTrue();
        var second = folder();
        assertThat(second.claim(RECORD)).isFalse();
        second.remove();

        var serving = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(100);
                listeners.add(TtrpcTransport.listen(first.socket()));
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(second.join()).as("waits for its socket").isEqualTo(RECORD);
        serving.join();
        try (var files = Files.list(base)) {
            assertThat(files).containsExactly(path());
        }
    }

    @Test
    void whatADeadShimLeftIsRemoved() throws Exception {
        deadShim();

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
                    assertThat(folder().socket()).as("while it decides").doesNotExist();
                    return false;
                }))
                .isFalse();
        assertThat(folder().join()).isEqualTo(RECORD);
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
                        assertThat(folder().claim(RECORD.answered(new GroupRecord.ProcessId(9, 90), "new")))
                                .isTrue();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                    return false;
                }))
                .isFalse();

        old.remove();
        listeners.add(TtrpcTransport.listen(folder().socket()));
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
        assertThat(folder().join()).as("it was put back").isEqualTo(RECORD);

        Files.move(path(), elsewhere);
        assertThat(founder.leave(() -> false, Duration.ZERO)).isFalse();
        assertThat(founder.leave(() -> true, Duration.ZERO)).isTrue();
        Files.move(elsewhere, path());
    }

    @Test
    void theOneThatHasFoundedItAnewIsLeftAlone() throws Exception {
        var old = founded();
        Files.move(path(), base.resolve("elsewhere"));
        var next = RECORD.answered(RECORD.caller(), "new");
        var other = new GroupRecord(
                new GroupRecord.ProcessId(9, 90), next.taskApi(), next.protocol(), next.caller(), next.answer());
        assertThat(folder().claim(other)).isTrue();
        listeners.add(TtrpcTransport.listen(folder().socket()));

        assertThat(old.leave(() -> true, Duration.ofHours(1))).isFalse();
        assertThat(old.leave(() -> true, Duration.ZERO)).isTrue();
        old.remove();
        assertThat(folder().join()).isEqualTo(other);
    }

    @Test
    void theRecordIsReadAsItWasWritten() throws IOException {
        RECORD.write(base);

        assertThat(GroupRecord.read(base)).isEqualTo(RECORD);
        assertThat(Files.readString(base.resolve(GroupRecord.FILE)))
                .isEqualTo("shim " + RECORD.shim() + "\nversion 3\nprotocol ttrpc\ncaller 8 80\nanswer unix:///x y\n");
    }

    @Test
    void groupsAreApart() {
        assertThat(folder().socket())
                .isEqualTo(folder().socket())
                .isNotEqualTo(GroupFolder.of(base, "/d.sock", "ns", "group").socket())
                .isNotEqualTo(GroupFolder.of(base, "/c.sock", "n", "group").socket())
                .isNotEqualTo(GroupFolder.of(base, "/c.sock", "ns", "other").socket());
        assertThat(GroupFolder.of(Path.of("/" + "x".repeat(80)), "/c.sock", "ns", "group")
                        .socket())
                .as("too long for a socket")
                .startsWithRaw(Path.of("/run/jshim/s"));
    }
}
