package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many files a process may have open, as /proc/PID/limits says it. */
record FileLimit(String soft, String hard) {
    private static final String LINE = "Max open files";

    static FileLimit of(long pid) throws IOException {
        return of(Path.of("/proc", Long.toString(pid)));
    }

    static FileLimit ofSelf() throws IOException {
        return of(Path.of("/proc/self"));
    }

    private static FileLimit of(Path process) throws IOException {
        for (String line : Files.readAllLines(process.resolve("limits"))) {
            if (line.startsWith(LINE)) {
                String[] values = line.substring(LINE.length()).strip().split(" +", -1);
                return new FileLimit(values[0], values[1]);
            }
        }
        throw new IllegalStateException(process + "/limits has no line " + LINE);
    }
}
