package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MountPointTest {
    @Test
    void parsesWithAndWithoutOptionalFields() {
        assertThat(MountPoint.parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=c"))
                .isEqualTo(new MountPoint(36, 35, "/mnt2", List.of("rw", "noatime"), "ext3", "/dev/root"));
        assertThat(MountPoint.parse("1 0 0:1 / /a\\040b\\134c\\011 ro - tmpfs a\\040b rw"))
                .isEqualTo(new MountPoint(1, 0, "/a b\\c\t", List.of("ro"), "tmpfs", "a b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "36 35 98:0 /mnt1", "36 35 98:0 / /mnt2 rw ext3 /dev/root rw", "36 35 98:0 / /m rw -"})
    void refusesAnythingElse(String line) {
        assertThatThrownBy(() -> MountPoint.parse(line)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "/a/b, /a/b",
        "'/a\\040b\\040', '/a b '",
        "'\\134040', '\\040'",
        "'/\\043', '/#'",
        "'/a\\', '/a\\'",
        "'/a\\04', '/a\\04'",
        "'/a\\048', '/a\\048'",
        "'/a\\xyz', '/a\\xyz'"
    })
    void undoesTheKernelsEscapesAndNothingElse(String written, String meant) {
        assertThat(MountPoint.unescape(written)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource({"/a,true", "/a/b,true", "/ab,false", "/,false"})
    void knowsWhatIsBelow(String path, boolean below) {
        MountPoint mount = new MountPoint(1, 0, path, List.of(), "tmpfs", "tmpfs");

        assertThat(mount.isAtOrBelow(Path.of("/a"))).isEqualTo(below);
        assertThat(mount.isAtOrBelow(Path.of("/"))).isTrue();
    }

    @Test
    void readsTheRealTable() throws Exception {
        assertThat(MountPoint.all())
                .anySatisfy(mount -> assertThat(mount.path()).isEqualTo("/proc"));
    }
}
