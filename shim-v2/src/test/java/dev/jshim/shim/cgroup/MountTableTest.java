package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import org.junit.jupiter.api.Test;

class MountTableTest {
    private static final String TMPFS = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n";
    private static final String CGROUP2 = "32 31 0:29 / /sys/fs/cgroup rw shared:1 - cgroup2 cgroup2 rw,nsdelegate\n";

    @Test
    void findsControllersThatAreMountedTogether() throws IOException {
        var mounts = parse("32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:2 - cgroup cgroup rw,cpu,cpuacct\n");

        assertThat(mounts.locate("cpuacct", "/web")).isEqualTo("/sys/fs/cgroup/cpu,cpuacct/web");
        assertThat(mounts.locate("cpu", "/")).isEqualTo("/sys/fs/cgroup/cpu,cpuacct");
        assertThat(mounts.locate("cpuset", "/web")).isNull();
    }

    @Test
    void seesOnlyWhatTheRootOfTheMountHolds() throws IOException {
        var mounts = parse("""
                32 31 0:29 /pod /mnt/pod rw - cgroup cgroup rw,pids
                33 31 0:29 /other /mnt/other rw - cgroup cgroup rw,pids
                """);

        assertThat(mounts.locate("pids", "/pod/web")).isEqualTo("/mnt/pod/web");
        assertThat(mounts.locate("pids", "/other")).isEqualTo("/mnt/other");
        assertThat(mounts.locate("pids", "/podium")).isNull();
        assertThat(mounts.locate("pids", "/pod/../web")).isNull();
        assertThat(mounts.locate("pids", "relative")).isNull();
    }

    @Test
    void isUnifiedOnlyWhereTheTopmostMountIsCgroup2() throws IOException {
        var place = "/sys/fs/cgroup";
        assertThat(parse(CGROUP2).isCgroup2(place)).isTrue();
        assertThat(parse(TMPFS + CGROUP2).isCgroup2(place)).isTrue();
        assertThat(parse(CGROUP2 + TMPFS).isCgroup2(place)).isFalse();
        assertThat(parse(TMPFS + CGROUP2.replace("cgroup rw", "cgroup/unified rw"))
                        .isCgroup2(place))
                .isFalse();
        assertThat(parse("").isCgroup2(place)).isFalse();
    }

    @Test
    void decodesWhatTheKernelEscapes() throws IOException {
        var mounts = parse("32 31 0:29 / /a\\040b\\134c\\09 rw - cgroup cgroup rw,pids\n");

        assertThat(mounts.locate("pids", "/web")).isEqualTo("/a b\\c\\09/web");
    }

    @Test
    void leavesOutLinesThatItDoesNotUnderstand() throws IOException {
        assertThat(parse("\nnonsense cgroup\n32 31 0:29 / /x rw cgroup cgroup rw,pids\n1 2 3 - cgroup b c\n")
                        .mounts())
                .isEmpty();
    }

    private static MountTable parse(String text) throws IOException {
        return MountTable.read(new BufferedReader(new StringReader(text)));
    }
}
