package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A private containerd as a node has it: no child of ours, but a service that is stopped, started and exchanged by
 * commands. The daemon that a scenario has started itself must be stopped before.
 */
final class DaemonService {
    private static final Pattern SERVER = Pattern.compile("Server:\\s+Version:\\s+v?(\\S+)");

    private final PrivateContainerd node;

    private DaemonService(PrivateContainerd node) {
        this.node = node;
    }

    /** Writes the commands and starts the daemon of the old version. */
    static DaemonService start(PrivateContainerd node, Release old, Path shims) throws IOException {
        DaemonService service = new DaemonService(node);
        Path dir = node.dir();
        for (Release release : List.of(old, Release.V2)) {
            Files.writeString(service.config(release), release.config(node.root(), node.state(), node.socket()));
            Files.writeString(dir.resolve("start-" + release), """
                    PATH=%s:%s:$PATH setsid %s --config %s >>%s 2>&1 </dev/null &
                    echo $! >%s/pid
                    """.formatted(
                            shims, release.folder(), release.daemon(), service.config(release), node.log(), dir));
        }
        Files.writeString(dir.resolve("stop"), """
                read pid <%s/pid || exit 0
                kill "$pid" || exit 0
                while kill -0 "$pid"; do sleep 0.05; done
                """.formatted(dir));
        service.install(old);
        service.start();
        return service;
    }

    /** The configuration that this version is started with. */
    Path config(Release release) {
        return node.dir().resolve("config-" + release);
    }

    /** The command that puts a version in the place of the other. */
    String change(Release release) {
        return "cd " + node.dir() + " && ln -sf start-" + release + " start";
    }

    String startCommand() {
        return "sh " + node.dir() + "/start";
    }

    String stopCommand() {
        return "sh " + node.dir() + "/stop";
    }

    void install(Release release) {
        sh(change(release));
    }

    /** Starts what is installed, and waits until it answers. */
    void start() {
        sh(startCommand());
        Wait.until(
                Duration.ofSeconds(60),
                "containerd answers",
                () -> node.ctr("version").code() == 0);
    }

    /** What the daemon says that it is, as {@code 2.1.5}; ctr's own version is another thing. */
    String version() {
        String said = node.ctr("version").ok().out();
        Matcher version = SERVER.matcher(said);
        assertThat(version.find()).as(said).isTrue();
        return version.group(1);
    }

    void stop() {
        sh(stopCommand());
    }

    private static void sh(String line) {
        Run.of(List.of("sh", "-c", line)).run().ok();
    }
}
