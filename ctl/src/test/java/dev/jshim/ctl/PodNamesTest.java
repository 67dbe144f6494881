package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Containers by the names that Kubernetes has for them. */
@Timeout(60)
class PodNamesTest {
    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));

    @BeforeEach
    void setUp() throws IOException {
        node = new FakeNode(directory);
        node.pod("aa1", "shop", "web", "");
        node.pod("aa2", "shop", "web", "nginx");
        node.pod("bb1", "test", "web", "nginx");
        node.pod("cc1", "test", "db", "postgres");
        node.task("default", "plain", Status.RUNNING);
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    @ParameterizedTest
    @CsvSource({
        "db/postgres, k8s.io/cc1",
        "test/db/postgres, k8s.io/cc1",
        "shop/web/nginx, k8s.io/aa2",
        "test/web/nginx, k8s.io/bb1",
        "k8s.io/aa2, k8s.io/aa2",
        "default/plain, default/plain",
        "cc, k8s.io/cc1"
    })
    void aContainerHasManyNames(String name, String task) {
        var found = Result.on(node, "state", name, "-o", "jsonpath={.namespace}/{.id}");
        assertThat(found.err()).isEmpty();
        assertThat(found.out().strip()).isEqualTo(task);
    }

    @Test
    void aNameOfTwoIsRefused() {
        var killed = Result.on(node, "kill", "web/nginx");
        assertThat(killed.code()).isEqualTo(ExitCode.USAGE);
        assertThat(killed.err())
                .contains("\"web/nginx\" is the name of more than one container: ", "k8s.io/aa2", "k8s.io/bb1")
                .contains("give NAMESPACE/POD/CONTAINER");
        assertThat(node.lastSignal).hasValue(0);
    }

    @ParameterizedTest
    @CsvSource({
        "db/postgre, did you mean db/postgres?",
        "test/db/postgre, 'did you mean test/db/postgres'",
        "db/, cannot be a container's id",
        "/db, cannot be a container's id",
        "a/b/c/d, cannot be a container's id",
        "../x/y, cannot be a container's id",
        "web, lists all tasks",
        "shop/web, lists all tasks",
        "web/ng, lists all tasks"
    })
    void noNameIsGuessed(String name, String hint) {
        var killed = Result.on(node, "kill", name);
        assertThat(killed.code()).isNotZero();
        assertThat(killed.err()).contains(hint);
        assertThat(node.lastSignal).hasValue(0);
    }

    @Test
    void listsHaveTheNames() {
        assertThat(Result.on(node, "ls", "-o", "wide").out().lines().filter(line -> line.contains(" aa")))
                .satisfiesExactly(
                        line -> assertThat(line).matches(".* shop +web +- +unix:.*"),
                        line -> assertThat(line).matches(".* shop +web +nginx +unix:.*"));
        assertThat(Result.on(node, "ls", "--filter", "pod=web", "--filter", "podNamespace=test", "-q")
                        .out())
                .isEqualToNormalizingNewlines("bb1\n");
        assertThat(Result.on(node, "ls", "-o", "custom-columns=C:container,ID:id", "--filter", "id=cc1")
                        .out())
                .isEqualToNormalizingNewlines("C         ID\npostgres  cc1\n");
        assertThat(Result.on(node, "inspect", "db/postgres").out())
                .containsPattern("podNamespace: +test\n +pod: +db\n +container: +postgres\n");
    }
}
