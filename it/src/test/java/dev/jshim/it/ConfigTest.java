package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Options in files, the node's and a container's own. */
class ConfigTest extends OptionScenario {

    /** An OCI runtime that says that it was called, and where its state is. */
    private Path runtime() throws IOException {
        Path runtime = node.dir().resolve("bin/other-runtime");
        Files.writeString(runtime, "#!/bin/sh\necho \"$*\" >>" + node.dir() + "/runtime-calls\nexec runc \"$@\"\n");
        runtime.toFile().setExecutable(true);
        return runtime;
    }

    @ParameterizedTest
    @EnumSource
    void theNodesOwn(Release release) throws IOException {
        start(release, "");
        Files.writeString(
                config,
                "BinaryName = \"" + runtime() + "\"\nRoot = \"" + node.dir() + "/runc\"\nNoNewKeyring = true\n");

        assertThat(node.say(Product.RUNTIME, "one", "out")).isEqualTo("out");
        assertThat(node.dir().resolve("runtime-calls"))
                .content()
                .contains("--root " + node.dir() + "/runc/" + node.namespace(), "create --bundle", "--no-new-keyring");
    }

    @ParameterizedTest
    @EnumSource
    void aMistakeIsTheClientsError(Release release) throws IOException {
        start(release, "");
        Files.writeString(config, "\nSystemdCgruop = true\n");

        assertThat(node.run(Product.RUNTIME, "one", "/bin/true").err())
                .contains(config + ":2: SystemdCgruop is not a known option: SystemdCgroup?");
        node.ctr("container", "rm", "one");
    }

    /** As CRI sends it to a runtime that is not named runc; ctr has a flag for it. */
    @ParameterizedTest
    @EnumSource
    void aContainersOwn(Release release) throws IOException {
        start(release, "BinaryName = \"/nowhere\"\n");
        Path own = node.dir().resolve("own.toml");
        Files.writeString(own, "BinaryName = \"" + runtime() + "\"\nGrouping = \"container\"\n");
        String[] flags = {"--runtime-config-path", own.toString()};

        sleeper("one", flags);
        assertThat(node.dir().resolve("runtime-calls")).content().contains("create --bundle");
        node.remove("one");
        Files.writeString(own, "Grouping = 3\n");
        assertThat(run("two", flags, "/bin/true").err())
                .contains(own + ":1: Grouping must be \"pod\", \"node\" or \"container\", not 3");
        node.ctr("container", "rm", "two");
    }
}
