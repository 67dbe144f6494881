package dev.jshim.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Resolves a path inside a root file system, so that no symbolic link and no .. in it leads outside. */
final class RootPath {
    private static final int MAX_LINKS = 255;

    private RootPath() {}

    /** Where {@code path} is below {@code root}; parts that do not exist are taken as they are written. */
    static Path resolve(Path root, String path) throws IOException {
        Deque<Path> todo = new ArrayDeque<>();
        push(todo, Path.of(path));
        Path at = root;
        int links = 0;
        while (!todo.isEmpty()) {
            Path name = todo.pop();
            if (name.toString().isEmpty() || name.toString().equals(".")) {
                continue;
            }
            if (name.toString().equals("..")) {
                at = at.equals(root) ? root : parent(at, root);
                continue;
            }
            Path next = at.resolve(name);
            if (!Files.exists(next, LinkOption.NOFOLLOW_LINKS) || !Files.isSymbolicLink(next)) {
                at = next;
                continue;
            }
            if (++links > MAX_LINKS) {
                throw new ErrnoException("resolve", path + " in " + root, Errno.ELOOP);
            }
            Path target = Files.readSymbolicLink(next);
            if (target.isAbsolute()) {
                at = root;
            }
            push(todo, target);
        }
        return at;
    }

    private static void push(Deque<Path> todo, Path path) {
        for (int i = path.getNameCount() - 1; i >= 0; i--) {
            todo.push(path.getName(i));
        }
    }

    private static Path parent(Path at, Path root) {
        Path parent = at.getParent();
        return parent == null ? root : parent;
    }
}
