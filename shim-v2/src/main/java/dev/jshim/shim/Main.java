package dev.jshim.shim;

import com.google.protobuf.Any;
import java.nio.file.Path;
import java.util.function.Function;

/** The shim's command line. {@code delete} is not here: no JVM is started for it. */
public final class Main {
    private Main() {}

    /** Runs one command and ends the process. */
    public static void main(String... args) throws Exception {
        // Not System.exit: nothing in here has hooks to be waited for but the socket's, which has been removed by then.
        var code = run(_ -> Any.getDefaultInstance(), args);
        System.exit(code);
    }

    /**
     * Runs one command; returns its exit code.
     *
     * @param lesser options that hold if a container's own say nothing, by its bundle: before the node's
     */
    public static int run(Function<Path, Any> lesser, String... args) throws Exception {
        Flags flags;
        try {
            flags = Flags.parse(args);
        } catch (Flags.UsageException e) {
            System.err.println(BinaryName.text() + ": " + e.getMessage());
            return 2;
        }
        if (flags.version()) {
            System.out.println(BinaryName.text() + ":");
            System.out.println("  Version: " + Version.NUMBER);
            System.out.println("  Java: " + Runtime.version());
            return 0;
        }
        if (flags.info()) {
            return Info.print(System.in, System.out);
        }
        return switch (flags.command()) {
            case "start", Start.SERVE -> Start.run(flags, lesser);
            case "aot-train" -> Training.run();
            default -> {
                System.err.println(BinaryName.text() + ": command \"" + flags.command()
                        + "\" is not a command: containerd runs start and delete");
                yield 2;
            }
        };
    }
}
