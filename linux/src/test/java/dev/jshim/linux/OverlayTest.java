package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OverlayTest {
    @Test
    void writesLowerDirectoriesRelativeToTheirCommonOne() {
        List<String> data = List.of("index=off", "lowerdir=/s/12/fs:/s/1/fs:/s/123/fs", "upperdir=/s/4/fs");

        assertThat(Overlay.compact(data))
                .isEqualTo(new Overlay(
                        Path.of("/s"), List.of("index=off", "lowerdir=12/fs:1/fs:123/fs", "upperdir=/s/4/fs")));
    }

    @Test
    void oneMayBeTheParentOfAnother() {
        assertThat(Overlay.compact(List.of("lowerdir=/s/a/b:/s/a")))
                .isEqualTo(new Overlay(Path.of("/s"), List.of("lowerdir=a/b:a")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "upperdir=/a",
                "lowerdir=/a/b",
                "lowerdir=/a:/b",
                "lowerdir=a:b",
                "lowerdir=/s/a/../b:/s/c",
                "lowerdir=/s/a\\:b:/s/c",
                "lowerdir=/s/a::/s/c",
                "lowerdir="
            })
    void leavesTheRestAlone(String option) {
        assertThat(Overlay.compact(List.of(option))).isEqualTo(new Overlay(null, List.of(option)));
    }
}
