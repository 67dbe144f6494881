package dev.jshim.ttrpc;

/** The module's logger, looked up at the first thing worth telling. */
final class Log {
    private static final System.Logger LOGGER = System.getLogger("dev.jshim.ttrpc");

    private Log() {}

    static void warn(String message, Throwable cause) {
        LOGGER.log(System.Logger.Level.WARNING, message, cause);
    }
}
