package dev.jshim.bridge.migrate;

/**
 * A v1 container and what would be done with it.
 *
 * @param pid of its init, 0 where that is not known or another process has it by now
 * @param shimPid 0 where no shim was found
 * @param socket the address of its shim, empty where none is known
 * @param socketKind {@code file}, {@code abstract}, or empty
 * @param runtime the OCI binary, empty where it was not asked for
 * @param reachable whether the shim answered
 * @param action {@code adopt}, {@code none} where it is adopted already, or {@code refuse}
 * @param reason why, empty for {@code adopt}
 */
public record PlanRow(
        String namespace,
        String id,
        int pid,
        int shimPid,
        String socket,
        String socketKind,
        String runtime,
        boolean reachable,
        String action,
        String reason) {}
