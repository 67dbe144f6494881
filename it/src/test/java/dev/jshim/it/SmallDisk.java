package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A folder that is a small file system of its own for a while, to be filled up and to be made read-only. */
record SmallDisk(Path folder) implements AutoCloseable {
    private static final String FILLER = "filler";

    /**
     * Puts one over a folder, with what is in that; whoever uses the folder must not run.
     *
     * @param size as mount(8) knows it: {@code 64m}
     */
    static SmallDisk over(Path folder, String size) throws IOException {
        Files.createDirectories(folder);
        sh(
                "cp -a \"$0\" \"$0.was\" && mount -t tmpfs -o size=$1,mode=711 tmpfs \"$0\""
                        + " && cp -a \"$0.was/.\" \"$0\" && rm -rf \"$0.was\"",
                folder,
                size);
        return new SmallDisk(folder);
    }

    /** A command that fills it to the last byte. */
    String fillCommand() {
        return "cat /dev/zero >>" + folder.resolve(FILLER) + " 2>/dev/null || true";
    }

    void fill() {
        sh(fillCommand(), folder);
    }

    /** Fills it so that one file of one page has room. */
    void fillButOnePage() {
        fill();
        sh("truncate --size=-4096 \"$0/$1\"", folder, FILLER);
    }

    void free() throws IOException {
        Files.deleteIfExists(folder.resolve(FILLER));
    }

    /** For everybody; nobody may have a file of it open for writing. */
    void readOnly(boolean isReadOnly) {
        sh("mount -o remount,$1 \"$0\"", folder, isReadOnly ? "ro" : "rw");
    }

    /** A program that makes it read-only for a command alone, whoever writes to it meanwhile. */
    List<String> readOnlyFor() {
        return List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
                folder.toString());
    }

    /** Takes it away, whoever uses it. */
    @Override
    public void close() {
        sh("umount -l \"$0\"", folder);
    }

    private static void sh(String script, Path folder, String... arguments) {
        Run.of(Stream.concat(Stream.of("sh", "-c", script, folder.toString()), Stream.of(arguments))
                        .toList())
                .run()
                .ok();
    }
}
