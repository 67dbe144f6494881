package dev.jshim.node;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The files below a folder of a node that lives: what goes away while it is read is passed over. */
public final class Tree {
    private static final Predicate<IOException> GONE = e -> e instanceof NoSuchFileException;

    private Tree() {}

    /**
     * All that are no directories, links not followed; none if there is no such folder.
     *
     * @throws IOException for what exists and cannot be read
     */
    public static List<Path> files(Path folder) throws IOException {
        return files(folder, Integer.MAX_VALUE, GONE);
    }

    /**
     * The same without what is not ours to read.
     *
     * @param depth 1 for what is in the folder itself
     */
    public static List<Path> readable(Path folder, int depth) throws IOException {
        return files(folder, depth, GONE.or(e -> e instanceof AccessDeniedException));
    }

    private static List<Path> files(Path folder, int depth, Predicate<IOException> isPassedOver) throws IOException {
        List<Path> found = new ArrayList<>();
        Files.walkFileTree(folder, EnumSet.noneOf(FileVisitOption.class), depth, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (!attributes.isDirectory()) {
                    found.add(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                return passOver(e);
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                return e == null ? FileVisitResult.CONTINUE : passOver(e);
            }

            private FileVisitResult passOver(IOException e) throws IOException {
                if (isPassedOver.test(e)) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }
        });
        return found;
    }
}
