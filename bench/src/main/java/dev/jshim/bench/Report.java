package dev.jshim.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The numbers in docs/bench.md: what stands between the marks is replaced, the words around it stay. */
final class Report {
    private static final String BEGIN = "<!-- measured: written by ./dev bench -->\n";
    private static final String END = "<!-- end -->\n";
    private static final String HEAD = """
            | what | Go shim | jshim, `node` | ratio | aim | jshim, `pod` | ratio | aim |
            | --- | --- | --- | --- | --- | --- | --- | --- |
            """;

    private Report() {}

    static String text(String machine, List<Row> rows, String memory) {
        return machine + "\n" + HEAD + rows.stream().map(Row::markdown).collect(Collectors.joining("\n")) + "\n\n"
                + memory;
    }

    /** Puts the text into the file. */
    static void write(Path file, String text) throws IOException {
        var old = Files.readString(file);
        var begin = old.indexOf(BEGIN);
        var end = old.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IOException(file + " has no lines " + BEGIN.strip() + " and " + END.strip());
        }
        Files.writeString(file, old.substring(0, begin + BEGIN.length()) + text + old.substring(end));
    }
}
