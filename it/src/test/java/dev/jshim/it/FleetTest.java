package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The Ansible role of {@code ansible/}, as an operator runs it, on three hosts that are three containerds of this
 * machine.
 */
@LongRun
class FleetTest {
    private final List<Host> hosts = new ArrayList<>();

    /** What stands in the inventory for one host. */
    private record Host(
            String name, PrivateContainerd node, DaemonService service, ProcessFacts container, JsonObject variables) {
        boolean isOld() {
            return service.version().startsWith("1.6.");
        }

        /** What a migration has, which no host that it has not come to may have. */
        boolean isTouched() {
            return Files.exists(node.state().resolve("jshim"))
                    || Files.exists(node.root().resolve("jshim"))
                    || Files.exists(node.bundle("c"));
        }

        void isUnharmed() {
            Tasks.Task task = Tasks.of(node).get("c");
            assertThat(task.status()).isEqualTo("RUNNING");
            assertThat(task.pid()).isEqualTo(container.pid());
            assertThat(container.alive()).isTrue();
        }
    }

    @BeforeEach
    void fleet() throws IOException {
        for (String name : List.of("a", "b", "c")) {
            hosts.add(host(name));
        }
        Run.of(List.of("tar", "-C", Product.home().toString(), "-cf", archive().toString(), "."))
                .run()
                .ok();
    }

    private static Host host(String name) throws IOException {
        PrivateContainerd node = PrivateContainerd.started(Release.V1_6);
        try {
            ProcessFacts container = node.runDetached(Product.LEGACY, "c", "/bin/sleep", "100000");
            node.stop();
            Path bin = Files.createDirectory(node.dir().resolve("bin"));
            DaemonService service = DaemonService.start(node, Release.V1_6, bin);
            return new Host(name, node, service, container, variables(node, service, bin));
        } catch (IOException | RuntimeException e) {
            node.close();
            throw e;
        }
    }

    private static JsonObject variables(PrivateContainerd node, DaemonService service, Path bin) {
        JsonObject all = Play.here(node.dir());
        all.addProperty("jshim_migrate_home", node.dir() + "/jshim");
        all.addProperty("jshim_migrate_bin", bin.toString());
        all.addProperty("jshim_migrate_root", node.root().toString());
        all.addProperty("jshim_migrate_state", node.state().toString());
        all.addProperty("jshim_migrate_address", node.socket().toString());
        all.addProperty("jshim_migrate_timeout", "20s");
        all.addProperty("jshim_migrate_stop", service.stopCommand());
        all.addProperty("jshim_migrate_start", service.startCommand());
        all.addProperty("jshim_migrate_change", service.change(Release.V2));
        all.addProperty("jshim_migrate_undo", service.change(Release.V1_6));
        all.addProperty("jshim_migrate_new_containerd", Release.V2.daemon().toString());
        all.addProperty("jshim_migrate_new_config", service.config(Release.V2).toString());
        return all;
    }

    @Test
    void oneAfterTheOtherAndNoneAfterOneThatFailed() throws IOException {
        Host first = hosts.get(0);
        Host second = hosts.get(1);
        Host third = hosts.get(2);

        play(0, "--check");
        assertThat(hosts).noneMatch(Host::isTouched);

        // The second one's shim does not answer: its plan is refused, nothing is changed there, and the play ends.
        long shim = second.container().parent();
        Signal.STOP.to(shim);
        String refused = play(2);
        assertThat(failed(refused)).as(refused).containsExactly("b");
        assertThat(refused).contains("Stop before anything is changed", "refused: [{");
        isMigrated(first);
        assertThat(List.of(second, third)).noneMatch(Host::isTouched).allMatch(Host::isOld);
        third.isUnharmed();
        assertThat(failed(play(2, "--check"))).as("looked at alone").containsExactly("b");
        assertThat(List.of(second, third)).noneMatch(Host::isTouched).allMatch(Host::isOld);
        Signal.CONT.to(shim);

        // It is migrated, and its operator says that it is not healthy: it is taken back, and the play ends.
        second.variables().addProperty("jshim_migrate_health", "exit 7");
        second.variables().addProperty("jshim_migrate_health_tries", 1);
        String sick = play(2);
        assertThat(failed(sick)).as(sick).containsExactly("b");
        assertThat(sick).contains("this node is as it was before; Ask whether the node is healthy");
        assertThat(Play.recap(sick, "a", "changed")).as("the first one is done").isZero();
        assertThat(List.of(second, third)).noneMatch(Host::isTouched).allMatch(Host::isOld);
        hosts.forEach(Host::isUnharmed);

        second.variables()
                .addProperty("jshim_migrate_health", "test -S " + second.node().socket());
        // The exchange itself fails on the third one: apply takes it back, and the play ends.
        JsonElement change = third.variables().get("jshim_migrate_change");
        third.variables().addProperty("jshim_migrate_change", "exit 7");
        String stuck = play(2);
        assertThat(failed(stuck)).as(stuck).containsExactly("c");
        assertThat(stuck).contains("this node is as it was before; Adopt, exchange containerd, verify");
        isMigrated(second);
        assertThat(third.isTouched()).isFalse();
        assertThat(third.isOld()).isTrue();
        hosts.forEach(Host::isUnharmed);

        third.variables().add("jshim_migrate_change", change);
        String good = play(0);
        assertThat(failed(good)).isEmpty();
        hosts.forEach(FleetTest::isMigrated);
        String again = play(0);
        for (Host host : hosts) {
            assertThat(Play.recap(again, host.name(), "changed"))
                    .as(host.name())
                    .isZero();
        }
        hosts.forEach(Host::isUnharmed);
    }

    private static void isMigrated(Host host) {
        assertThat(host.isOld()).isFalse();
        assertThat(host.isTouched()).isTrue();
        host.isUnharmed();
    }

    private Path archive() {
        return hosts.getFirst().node().dir().resolve("jshim.tar");
    }

    /** Runs the play of the repository; the answer is what Ansible says. */
    private String play(int code, String... flags) throws IOException {
        JsonObject names = new JsonObject();
        hosts.forEach(host -> names.add(host.name(), host.variables()));
        return new Play(hosts.getFirst().node().dir(), names)
                .run("migrate.yml", "jshim_migrate_archive=" + archive(), flags)
                .expect(code)
                .out();
    }

    private List<String> failed(String said) {
        return hosts.stream()
                .map(Host::name)
                .filter(name -> Play.recap(said, name, "failed") > 0)
                .toList();
    }

    @AfterEach
    void nothingIsLeft() {
        for (Host host : hosts) {
            PrivateContainerd node = host.node();
            try {
                Signal.CONT.to(host.container().parent());
                node.remove("c");
                host.service().stop();
                Product.ctl(node, "migrate", "rollback", "--yes").ok();
                node.finish();
            } finally {
                node.close();
            }
        }
    }
}
