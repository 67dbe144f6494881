package dev.jshim.shim.config;

import org.jspecify.annotations.Nullable;

/**
 * The keys of a configuration text: those of containerd's own {@code containerd.runc.v1.Options}, as CRI's
 * configuration spells them, and ours. Each knows what its value may be.
 */
public enum Key {
    BINARY_NAME("BinaryName", Kind.TEXT, "Runtime"),
    ROOT("Root", Kind.PATH, "RuntimeRoot"),
    SYSTEMD_CGROUP("SystemdCgroup", Kind.SWITCH),
    NO_PIVOT_ROOT("NoPivotRoot", Kind.SWITCH),
    NO_NEW_KEYRING("NoNewKeyring", Kind.SWITCH),
    SHIM_CGROUP("ShimCgroup", Kind.PATH),
    IO_UID("IoUid", Kind.NUMBER),
    IO_GID("IoGid", Kind.NUMBER),
    CRIU_IMAGE_PATH("CriuImagePath", Kind.PATH),
    CRIU_WORK_PATH("CriuWorkPath", Kind.PATH),
    /** In seconds. */
    CRIU_TIMEOUT("CriuTimeout", Kind.NUMBER),
    /** Of a container whose output need not cross the shim for CRIU's sake. */
    NEVER_CHECKPOINTED("NeverCheckpointed", Kind.SWITCH),
    /** Of old configurations, in which it stands empty. */
    CRIU_PATH("CriuPath", Kind.EMPTY),
    /** containerd reads these two itself, from a task's options. */
    TASK_API_ADDRESS("TaskApiAddress", Kind.TEXT),
    TASK_API_VERSION("TaskApiVersion", Kind.NUMBER),
    /** What CRI's section has beside the options themselves; CRI sends the section as a whole. */
    TYPE_URL("TypeUrl", Kind.TEXT),
    CONFIG_PATH("ConfigPath", Kind.EMPTY),
    GROUPING("Grouping", Kind.GROUPING),
    PROTOCOL("Protocol", Kind.PROTOCOL),
    TASK_API("TaskApi", Kind.TASK_API),
    /** In seconds. */
    IDLE_TIMEOUT("IdleTimeout", Kind.NUMBER),
    /** Of the bridge, in the node's own configuration: what becomes of a container whose v1 shim died. */
    ORPHANED_CONTAINERS("OrphanedContainers", Kind.ORPHANS);

    private enum Kind {
        TEXT("a string"),
        PATH("an absolute path, or \"\""),
        SWITCH("true or false"),
        NUMBER("a whole number from 0 to 4294967295"),
        EMPTY("\"\": it is not supported here"),
        GROUPING("\"pod\", \"node\" or \"container\""),
        PROTOCOL("\"ttrpc\" or \"grpc\""),
        TASK_API("2, 3 or \"auto\""),
        ORPHANS("\"end\" or \"keep\"");

        private final String demand;

        Kind(String demand) {
            this.demand = demand;
        }
    }

    private static final long MAX_NUMBER = 0xFFFF_FFFFL;

    private final String text;
    private final Kind kind;

    /** The name in {@code containerd.linux.runc.RuncOptions}, whose section a CRI configuration may still have. */
    private final String legacyText;

    Key(String text, Kind kind) {
        this(text, kind, text);
    }

    Key(String text, Kind kind, String legacyText) {
        this.text = text;
        this.kind = kind;
        this.legacyText = legacyText;
    }

    /** The key as it is written. */
    public String text() {
        return text;
    }

    /** What a value has to be, for a message: "BinaryName must be " and this. */
    String demand() {
        return kind.demand;
    }

    /** The value as {@link Settings} keeps it: Boolean, Long, String or one of our enums; null for a wrong one. */
    @Nullable
    Object valueOf(Object value) {
        return switch (kind) {
            case TEXT -> value instanceof String ? value : null;
            case PATH -> value instanceof String path && (path.isEmpty() || path.startsWith("/")) ? path : null;
            case SWITCH -> value instanceof Boolean ? value : null;
            case NUMBER -> value instanceof Long number && number >= 0 && number <= MAX_NUMBER ? number : null;
            case EMPTY -> value.equals("") ? value : null;
            case GROUPING -> value instanceof String word ? Grouping.named(word) : null;
            case PROTOCOL -> value instanceof String word ? Protocol.named(word) : null;
            case TASK_API -> TaskApi.of(value);
            case ORPHANS -> value.equals("end") || value.equals("keep") ? value : null;
        };
    }

    /** The key of exactly that name, the old one or today's; null for none. */
    static @Nullable Key named(String name) {
        for (var key : values()) {
            if (key.text.equals(name) || key.legacyText.equals(name)) {
                return key;
            }
        }
        return null;
    }

    /** The key that somebody who wrote this name may have meant; null if none is near. */
    static @Nullable Key like(String name) {
        Key best = null;
        var nearest = 4; // more changes than three are another word
        for (var key : values()) {
            var distance = Spelling.distance(plain(key.text), plain(name));
            if (distance < nearest && distance < key.text.length() / 2) {
                nearest = distance;
                best = key;
            }
        }
        return best;
    }

    private static String plain(String name) {
        return name.toLowerCase(java.util.Locale.ROOT).replaceAll("[_.-]", "");
    }
}
