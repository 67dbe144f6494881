package dev.jshim.shim.stdio;

import java.nio.file.Path;

/**
 * What the streams of a process are made with.
 *
 * @param loop moves what has to be moved
 * @param console where the runtime is to send a terminal, used where the process is to have one
 * @param passThrough whether output FIFOs are handed to the process: for init, whose end closes them. What an exec
 *     leaves in the background would keep them open past its end, and nobody could cut them.
 * @param uid owner of the pipes
 * @param gid their group
 * @param loggers starts a logger, where the client names one
 */
public record IoSettings(PumpLoop loop, Path console, boolean passThrough, int uid, int gid, LoggerLauncher loggers) {}
