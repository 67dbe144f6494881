package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What the kernel writes holds names that anybody may have chosen. */
class ProcFuzzTest {
    @FuzzTest
    void stat(byte[] input) {
        ProcessStat stat;
        try {
            stat = ProcessStat.parse(new String(input, StandardCharsets.ISO_8859_1));
        } catch (IllegalArgumentException refused) {
            return;
        }
        String line = stat.pid() + " (" + stat.command() + ") " + stat.state() + " " + stat.parent() + " "
                + stat.processGroup() + " " + stat.session() + " 0 0 " + stat.flags() + " 0".repeat(10) + " "
                + stat.threads() + " 0 " + stat.startTime() + " 0 0\n";
        assertThat(ProcessStat.parse(line)).isEqualTo(stat);
    }

    /** A process may be called anything. */
    @FuzzTest
    void command(byte[] input) {
        String command = new String(input, StandardCharsets.ISO_8859_1);
        String line = "17 (" + command + ") S 1 17 17 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 4711 1000 1\n";
        assertThat(ProcessStat.parse(line)).isEqualTo(new ProcessStat(17, command, 'S', 1, 17, 17, 4194560, 1, 4711));
    }

    @FuzzTest
    void mountinfo(byte[] input) {
        try {
            List<MountPoint> mounts = MountPoint.parseTable(new String(input, StandardCharsets.UTF_8));
            assertThat(mounts).allMatch(mount -> !mount.options().isEmpty());
        } catch (IllegalArgumentException refused) {
            return;
        }
    }

    /** Something may be mounted anywhere, and one line stays one mount. */
    @FuzzTest
    void mountPoint(byte[] input) {
        String path = new String(input, StandardCharsets.UTF_8).replace("\0", "");
        String line = "36 35 98:0 / /" + mangled(path) + " rw,nosuid shared:1 - ext4 " + mangled(path) + " rw\n";
        MountPoint mount = new MountPoint(36, 35, "/" + path, List.of("rw", "nosuid"), "ext4", path);
        assertThat(MountPoint.parseTable(line + line)).containsExactly(mount, mount);
    }

    /** As the kernel writes names (fs/proc_namespace.c, mangle; fs/seq_file.c). */
    private static String mangled(String name) {
        StringBuilder out = new StringBuilder();
        name.chars().forEach(c -> {
            if (" \t\n\\#".indexOf(c) >= 0) {
                out.append(String.format("\\%03o", c));
            } else {
                out.append((char) c);
            }
        });
        return out.toString();
    }
}
