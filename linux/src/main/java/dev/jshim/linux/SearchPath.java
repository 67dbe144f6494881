package dev.jshim.linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The directories in which a command without '/' is looked up. Relative and empty entries are passed over. */
record SearchPath(List<Path> directories) {
    private static final String NAME = "PATH=";

    /** Where the environment names no PATH, as execvp(3) does. */
    private static final String FALLBACK = "/bin:/usr/bin";

    static SearchPath of(List<String> environment) {
        String path = environment.stream()
                .filter(variable -> variable.startsWith(NAME))
                .map(variable -> variable.substring(NAME.length()))
                .findFirst()
                .orElse(FALLBACK);
        return new SearchPath(List.of(path.split(":", -1)).stream()
                .filter(entry -> entry.startsWith("/"))
                .map(Path::of)
                .toList());
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
