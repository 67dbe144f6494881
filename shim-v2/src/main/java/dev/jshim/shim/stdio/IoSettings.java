package dev.jshim.shim.stdio;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What the streams of a process are made with.
 *
 * @param loop moves what has to be moved
 * @param console where the runtime is to send a terminal, used if the process is to have one
 * @param passThrough whether output FIFOs that are root's alone are handed to the process: for init, whose end closes
 *     them, if it is root on the host. What an exec leaves in the background would keep them open past its end, and
 *     nobody could cut them.
 * @param uid owner of the pipes
 * @param gid their group
 * @param background how long Delete waits in all for output that something which the process left behind holds open: 10
 *     s (process/exec.go delete, v2.1.9), under the daemons whose own shim has 2 s no more than for everything else
 * @param loggers starts a logger, if the client names one
 * @param kept holds what is to outlive this JVM
 */
public record IoSettings(
        PumpLoop loop,
        Path console,
        boolean passThrough,
        int uid,
        int gid,
        Duration background,
        LoggerLauncher loggers,
        KeptStreams kept) {}
