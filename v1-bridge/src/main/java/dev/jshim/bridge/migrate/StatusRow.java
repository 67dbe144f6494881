package dev.jshim.bridge.migrate;

/**
 * How one adopted container stands.
 *
 * @param answers whether its task answers through the bridge
 * @param state of its init, in containerd's words; {@code UNKNOWN} where nobody says
 * @param shimAlive whether its v1 shim lives
 * @param reason what is wrong, empty where nothing is
 */
public record StatusRow(
        String namespace,
        String id,
        int pid,
        int shimPid,
        boolean answers,
        String state,
        boolean shimAlive,
        String reason) {
    StatusRow withReason(String other) {
        return new StatusRow(namespace, id, pid, shimPid, answers, state, shimAlive, other);
    }
}
