package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a keeper takes of the node's memory. */
@Timeout(180)
class SizeTest {
    @TempDir
    Path folder;

    private static int pss(int pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
            return lines.filter(line -> line.startsWith("Pss:"))
                    .mapToInt(line -> Integer.parseInt(line.replaceAll("[^0-9]", "")))
                    .sum();
        }
    }

    @Test
    void with200DescriptorsItTakesLessThanHalfAMebibyte() throws Exception {
        assumeFalse(Programs.SANITIZED, "sanitizers need memory of their own");
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            for (int i = 0; i < 200; i++) {
                jvm.send("keep connection/of/a/container/" + i, pipe.readEnd());
            }
            jvm.kill();
            Jvm next = keeper.jvm();
            Map<String, Fd> held = next.begin(1);
            assertThat(held).hasSize(200);
            held.values().forEach(Fd::close);
            int first = pss(keeper.pid());
            next.send("serving");
            next.send("keeper " + Programs.keeper());
            keeper.untilLogged("is now version");
            int second = pss(keeper.pid());
            System.out.println("keeper with 200 descriptors: " + first + " KiB, replaced: " + second + " KiB");
            assertThat(first).isLessThan(512);
            assertThat(second).isLessThan(512);
        }
    }
}
