package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A container's log as CRI writes it: a line is {@code TIME stdout F TEXT}.
 *
 * @param file the log
 */
record CriLog(Path file) {

    /** Of each line what the container wrote, in the rotated files too. Not while it is being rotated. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        for (int i = 1; Files.exists(rotated(i)); i++) {
            lines.addAll(linesOf(rotated(i)));
        }
        lines.addAll(linesOf(file));
        return lines;
    }

    private static List<String> linesOf(Path file) {
        try {
            String text = Files.readString(file);
            // The last one may not be whole yet.
            return text.substring(0, text.lastIndexOf('\n') + 1)
                    .lines()
                    .map(line -> line.split(" ", 4)[3])
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Gives the log another name, if it is that long, as a kubelet does before it has containerd open a new one. */
    boolean rotate(long bytes) {
        try {
            if (Files.size(file) < bytes) {
                return false;
            }
            int next = 1;
            while (Files.exists(rotated(next))) {
                next++;
            }
            Files.move(file, rotated(next));
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path rotated(int number) {
        return file.resolveSibling(file.getFileName() + "." + number);
    }

    /** Waits until something more has been written, and says that a count has no gap and no number twice. */
    void assertCounts() {
        int before = lines().size();
        Wait.until("growth of " + file, () -> lines().size() > before);
        assertGapless();
    }

    /** Says that a count has no gap and no number twice. */
    void assertGapless() {
        List<String> lines = lines();
        assertThat(lines)
                .as("%s", file)
                .containsExactlyElementsOf(IntStream.rangeClosed(1, lines.size())
                        .mapToObj(Integer::toString)
                        .toList());
    }
}
