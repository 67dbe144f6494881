package dev.jshim.ctl.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What {@code check} has to know of the machine. Each answer comes within seconds. */
public interface Host {
    /** The kernel's release, such as {@code 6.1.0-13-amd64}. */
    String kernel();

    /** {@code v2}, {@code v1}, or {@code v1, hybrid}. */
    String cgroups();

    /** How systemd ends containerd's service; null if systemd does not run it. */
    @Nullable
    String killMode();

    /** What {@code crun --version} says first; null if there is none. */
    @Nullable
    String crun();

    /** Of the file system that a folder is in; null if that is not known. */
    @Nullable
    Space space(Path folder);

    /** Room in a file system, in bytes. */
    record Space(long free, long total) {}
}
