package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrnoTest {
    @Test
    void agreesWithTheCLibrary(@TempDir Path directory) throws Exception {
        String lines = Arrays.stream(Errno.values())
                .filter(errno -> errno != Errno.UNKNOWN)
                .map(errno -> "printf(\"%s %%d %%s\\n\", %s, strerror(%s));".formatted(errno, errno, errno))
                .collect(Collectors.joining("\n"));

        assertThat(CProgram.run(directory, """
                #include <errno.h>
                #include <stdio.h>
                #include <string.h>
                int main() { %s }
                """.formatted(lines)))
                .containsExactlyElementsOf(Arrays.stream(Errno.values())
                        .filter(errno -> errno != Errno.UNKNOWN)
                        .map(errno -> errno + " " + errno.number() + " " + errno.text())
                        .toList());
    }

    @Test
    void findsByNumber() {
        assertThat(Errno.of(2)).isEqualTo(Errno.ENOENT);
        assertThat(Errno.of(133)).isEqualTo(Errno.EHWPOISON);
        assertThat(Errno.of(0)).isEqualTo(Errno.UNKNOWN);
        assertThat(Errno.of(41)).isEqualTo(Errno.UNKNOWN);
        assertThat(Errno.of(-1)).isEqualTo(Errno.UNKNOWN);
        assertThat(Errno.of(4000)).isEqualTo(Errno.UNKNOWN);
    }

    @Test
    void messagesNameCallAndError() {
        assertThat(new ErrnoException("mount", "/a on /b", 1))
                .hasMessage("mount /a on /b: EPERM (Operation not permitted)");
        assertThat(new ErrnoException("setsid", null, 999))
                .hasMessage("setsid: errno 999")
                .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.UNKNOWN))
                .satisfies(e -> assertThat(e.number()).isEqualTo(999));
    }
}
