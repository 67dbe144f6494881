package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a command printed against a file; {@code -Djshim.golden.write=true} writes the files again. What differs from
 * run to run, as our own pid, times and folders, is exchanged for words.
 *
 * @param directory of the node
 */
record Golden(Path directory) {
    private static final Path FILES = Path.of("src/test/resources/golden");
    private static final boolean WRITE = Boolean.getBoolean("jshim.golden.write");

    /** A command line that asks for JSON; in front, since behind {@code exec} it would be the command's. */
    static String[] asJson(String... words) {
        var all = new String[words.length + 2];
        all[0] = "-o";
        all[1] = "json";
        System.arraycopy(words, 0, all, 2, words.length);
        return all;
    }

    void same(String file, Result result) throws IOException {
        var text = plain(result.out()) + "-- stderr, exit " + result.code() + "\n" + plain(result.err());
        var path = FILES.resolve(file);
        if (WRITE) {
            Files.createDirectories(FILES);
            Files.writeString(path, text);
        }
        assertThat(text).isEqualTo(Files.readString(path));
    }

    /** Blanks in a row are one: columns are as wide as pids and folders are long. */
    private String plain(String text) {
        return text.replace(directory.toString(), "DIR")
                // what else runs on this machine
                .replaceAll("(?m)^jshimctl: \\d+ v1 shims? belongs? to another containerd: .*\\n", "")
                .replaceAll("(?s)\"others\": \\[.*?\\n? *\\]", "\"others\": []")
                .replaceAll("\\b" + FakeNode.PID + "\\b", "PID")
                .replaceAll("Millis\": \\d+\\.\\d+", "Millis\": 1.5")
                .replaceAll("(?m)^( *answerMillis: +)\\d+\\.\\d+", "$11.5")
                .replaceAll("\\d+\\.\\d+ ms", "1.5 ms")
                .replaceAll("(?m)^(jshim_collection_duration_seconds) .*", "$1 1.5")
                // whoever left them on this machine
                .replaceAll("(?m)^(jshim_leftovers\\{kind=\"(?:fifo|socket)\"}) .*", "$1 SOME")
                .replaceAll("(uptimeSeconds\"?: +)\\d+", "$1UPTIME")
                .replaceAll("(\\bprogram\"?: +\"?)java\\b", "$1PROGRAM")
                .replaceAll("(?m)\\d+\\.\\d+( +(ok|degraded))$", "1.5$1")
                // a folder's size is its file system's business, and these files name the directory
                .replaceAll("(\"kind\": \"directory\",\\s+\"mode\": \"\\d+\",\\s+\"size\": )\\d+", "$1SIZE")
                .replaceAll(
                        "(\"(?:address|bootstrap.json|options.json)\",(?:\\s+\"\\w+\": \"\\w+\",){2}\\s+\"size\": )\\d+",
                        "$1SIZE")
                .replaceAll("(?m)^(.* +directory +\\d+ +)\\d+$", "$1SIZE")
                .replaceAll("(?m)^( +(?:address|bootstrap.json|options.json) +file +\\d+ +)\\d+$", "$1SIZE")
                .replaceAll("(?m)(?<=\\S) +", " ");
    }
}
