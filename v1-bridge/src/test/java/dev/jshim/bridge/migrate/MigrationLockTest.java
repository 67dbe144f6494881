package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationLockTest {
    @TempDir
    Path folder;

    @Test
    void secondMigrationIsRefused() throws Exception {
        try (var _ = MigrationLock.take(folder)) {
            assertThatThrownBy(() -> MigrationLock.take(folder).close())
                    .isInstanceOf(MigrationException.class)
                    .hasMessageContaining("another migration");
        }
        MigrationLock.take(folder).close();
    }

    @Test
    void lockIsTakenAgainWhereItsDirectoryWasRemoved() throws Exception {
        var home = folder.resolve("new/home");
        try (var _ = MigrationLock.take(home)) {
            Files.delete(home);
            try (var _ = MigrationLock.take(home)) {
                assertThatThrownBy(() -> MigrationLock.take(home).close()).isInstanceOf(MigrationException.class);
            }
        }
    }
}
