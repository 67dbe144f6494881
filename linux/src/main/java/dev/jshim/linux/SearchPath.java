package dev.jshim.linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The directories in which a command without '/' is looked up. Relative and empty entries are passed over. */
record SearchPath(List<Path> directories) {
    private static final String NAME = "PATH=";

    /** Where the environment names no PATH, as execvp(3) does. */
    private static final String FALLBACK = "/bin:/usr/bin";

    /** That of an environment, as NAME=value. Without lambdas: the first ones cost the first container 5 ms. */
    static SearchPath of(List<String> environment) {
        return of(value(environment));
    }

    /** That of this process. */
    static SearchPath ours() {
        String value = System.getenv("PATH");
        return of(value == null ? FALLBACK : value);
    }

    private static SearchPath of(String value) {
        List<Path> directories = new ArrayList<>();
        for (String entry : value.split(":", -1)) {
            if (entry.startsWith("/")) {
                directories.add(Path.of(entry));
            }
        }
        return new SearchPath(List.copyOf(directories));
    }

    private static String value(List<String> environment) {
        for (String variable : environment) {
            if (variable.startsWith(NAME)) {
                return variable.substring(NAME.length());
            }
        }
        return FALLBACK;
    }

    String find(String command) throws ErrnoException {
        if (!command.isEmpty()) {
            for (Path directory : directories) {
                Path candidate = directory.resolve(command);
                if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                    return candidate.toString();
                }
            }
        }
        throw new ErrnoException("spawn", command + " (not in PATH)", Errno.ENOENT);
    }
}
