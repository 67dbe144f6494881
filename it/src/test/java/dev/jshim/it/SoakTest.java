package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Many containers, eight at a time: started, exec'd into and deleted. What is there afterwards is what was before. */
class SoakTest extends OptionScenario {
    private static final boolean LONG =
            !System.getProperty("jshim.test.all", "false").equals("false");
    private static final int AT_ONCE = 8;
    private static final int FIRST = LONG ? 50 : 16;
    private static final int ALL = LONG ? 200 : 32;
    private static final Duration QUIET = Duration.ofSeconds(40);

    /** Carriers of virtual threads come and go. */
    private static final int THREADS_MORE = 12;

    /** In MiB. What is lost for each container, were it a page, would be more than this after {@link #ALL}. */
    private static final int RSS_MORE = 12;

    @Test
    void oneShimForAllStaysAsItWas() throws Exception {
        start(Release.V2, "Grouping = \"node\"\n");
        Path rootfs = node.rootfs();
        ProcessFacts shim = sleeper("stays");
        churn(rootfs, 0, AT_ONCE);
        List<String> before = node.traces();
        ShimUse warm = ShimUse.of(shim);

        churn(rootfs, AT_ONCE, FIRST);
        ShimUse first = ShimUse.of(shim);
        churn(rootfs, FIRST, ALL);

        assertThat(before).as("what is seen at all").anyMatch(line -> line.startsWith("process " + shim.pid() + ":"));
        awaitTraces(before);
        var _ = Wait.within(QUIET, () -> {
            ShimUse now = ShimUse.of(shim);
            return now.descriptors() <= warm.descriptors() && now.children() == 1;
        });
        ShimUse last = ShimUse.of(shim);
        assertThat(last.descriptors()).isLessThanOrEqualTo(warm.descriptors());
        assertThat(last.children()).as("init of the one that stays").isEqualTo(1);
        assertThat(last.threads()).isLessThanOrEqualTo(warm.threads() + THREADS_MORE);
        assertThat(last.rssMiB()).as(warm + ", " + first + ", " + last).isLessThanOrEqualTo(first.rssMiB() + RSS_MORE);
        node.remove("stays");
    }

    @Test
    void theShimsOfPodsAreGone() throws Exception {
        start(Release.V2, "Grouping = \"pod\"\n");
        List<String> before = node.traces();

        churn(node.rootfs(), 0, LONG ? ALL : AT_ONCE * 2);

        awaitTraces(before);
    }

    private void awaitTraces(List<String> before) {
        var _ = Wait.within(QUIET, () -> node.traces().equals(before));
        assertThat(node.traces()).isEqualTo(before);
    }

    /** The lives of containers with these numbers; two each are a pod, unless the configuration says otherwise. */
    private void churn(Path rootfs, int from, int to) throws Exception {
        try (var threads = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<?>> lives = new ArrayList<>();
            for (int i : IntStream.range(from, to).toArray()) {
                lives.add(threads.submit(() -> live(rootfs, "c" + i, "pod" + i / 2)));
            }
            for (Future<?> life : lives) {
                life.get();
            }
        }
    }

    private void live(Path rootfs, String id, String pod) {
        List<String> flags = List.of("-d", "--annotation", "io.kubernetes.cri.sandbox-id=" + pod);
        node.ctr(node.runArgs(Product.RUNTIME, flags, rootfs, id, "/bin/sleep", "1000")
                        .toArray(String[]::new))
                .ok();
        assertThat(node.echo(id, "e", id)).isEqualTo(id);
        node.ctr("task", "rm", "-f", id);
        node.ctr("container", "rm", id).ok();
    }
}
