package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountOptionsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ro                    | 1      | 0      | ''
            ro,rw                 | 0      | 0      | ''
            rw,ro                 | 1      | 0      | ''
            nosuid,nodev,noexec   | e      | 0      | ''
            nosuid,suid,dev,exec  | 0      | 0      | ''
            bind,ro               | 1001   | 0      | ''
            rbind                 | 5000   | 0      | ''
            remount,size=1m       | 20     | 0      | size=1m
            relatime,strictatime  | 1200000| 0      | ''
            sync,async            | 0      | 0      | ''
            defaults              | 0      | 0      | ''
            rprivate              | 0      | 44000  | ''
            bind,rslave           | 1000   | 84000  | ''
            shared                | 0      | 100000 | ''
            unbindable            | 0      | 20000  | ''
            """)
    void sortsAsContainerd(String options, String flags, String propagation, String data) {
        MountOptions parsed = MountOptions.parse(List.of(options.split(",", -1)));

        assertThat(Long.toHexString(parsed.flags())).isEqualTo(flags.trim());
        assertThat(Long.toHexString(parsed.propagation())).isEqualTo(propagation.trim());
        assertThat(parsed.dataString()).isEqualTo(data);
        assertThat(parsed.loop()).isFalse();
    }

    @Test
    void theRestIsTheFileSystems() {
        assertThat(MountOptions.parse(List.of("index=off", "loop", "lowerdir=/a:/b", "userxattr", "ro")))
                .isEqualTo(new MountOptions(
                        MountFlags.MS_RDONLY, 0, List.of("index=off", "lowerdir=/a:/b", "userxattr"), true));
    }
}
