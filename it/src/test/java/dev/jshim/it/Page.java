package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A page of {@code docs/}, which tests hold to what it says.
 *
 * @param lines all of it
 */
record Page(List<String> lines) {
    private static final Path REPOSITORY = Path.of(System.getProperty("jshim.repository", ".."))
            .toAbsolutePath()
            .normalize();

    Page {
        lines = List.copyOf(lines);
    }

    static Page of(String name) {
        try {
            return new Page(Files.readAllLines(REPOSITORY.resolve("docs").resolve(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The commands in all of its blocks of shell, one after the other. */
    String script() {
        List<String> script = new ArrayList<>();
        boolean inside = false;
        for (String line : lines) {
            if (line.startsWith("```")) {
                inside = line.equals("```sh");
            } else if (inside) {
                script.add(line);
            }
        }
        return script.stream().map(line -> line + "\n").collect(Collectors.joining());
    }

    /** What stands under a heading, to the next one. */
    Page section(String heading) {
        int from = 0;
        while (from < lines.size() && !lines.get(from).replaceFirst("^#+ ", "").equals(heading)) {
            from++;
        }
        int to = from + 1;
        while (to < lines.size() && !lines.get(to).startsWith("#")) {
            to++;
        }
        if (from == lines.size()) {
            throw new IllegalArgumentException("no heading: " + heading);
        }
        return new Page(lines.subList(from, to));
    }

    /** The cells of its tables, heads and rulers left out. */
    List<List<String>> rows() {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String next = i + 1 < lines.size() ? lines.get(i + 1) : "";
            if (lines.get(i).startsWith("|") && !lines.get(i).startsWith("| ---") && !next.startsWith("| ---")) {
                String line = lines.get(i).strip();
                rows.add(Stream.of(line.substring(1, line.length() - 1).split("(?<!\\\\)[|]", -1))
                        .map(String::strip)
                        .toList());
            }
        }
        return rows;
    }

    /** What a link to a heading of it ends with: the text in lower case, its blanks as lines. */
    List<String> anchors() {
        return lines.stream()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "")
                        .toLowerCase(java.util.Locale.ROOT)
                        .replaceAll("[^a-z0-9 -]", "")
                        .replace(' ', '-'))
                .toList();
    }

    /** A file of the repository. */
    static Path file(String path) {
        return REPOSITORY.resolve(path);
    }

    /** All sources of tests in the repository. */
    static List<Path> tests() {
        try (Stream<Path> files = Files.walk(REPOSITORY, 12)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> REPOSITORY.relativize(file).toString().contains("src/test/java/"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first folder of a path in the repository. */
    static String module(Path file) {
        return REPOSITORY.relativize(file).getName(0).toString();
    }
}
