package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecTest {
    @TempDir
    Path bundle;

    private Spec read(String json) throws IOException {
        Files.writeString(bundle.resolve("config.json"), json);
        return Spec.read(bundle);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
                    {}                                                                      | false
                    {"linux":null,"annotations":null}                                       | false
                    {"linux":{"namespaces":null}}                                           | false
                    {"linux":{"namespaces":[{"type":"mount"}]}}                             | false
                    {"linux":{"namespaces":[{"type":"pid"}]}}                               | true
                    {"linux":{"namespaces":[{"type":"pid","path":""}]}}                     | true
                    {"linux":{"namespaces":[{"type":"pid","path":null}]}}                   | true
                    {"linux":{"namespaces":[{"type":"pid","path":"/proc/7/ns/pid"}]}}       | false
                    {"linux":{"namespaces":[{"path":"/p","type":"net"},{"type":"pid"}]}}    | true
                    """)
    void knowsWhetherThePidNamespaceIsTheContainersOwn(String json, boolean own) throws IOException {
        assertThat(read(json).ownPidNamespace()).isEqualTo(own);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
                    {}                                                                                | false
                    {"process":null}                                                                  | false
                    {"process":{}}                                                                    | true
                    {"process":{"user":null}}                                                         | true
                    {"process":{"user":{"uid":0,"gid":7,"additionalGids":[1]}}}                       | true
                    {"process":{"user":{"gid":0,"uid":7}}}                                            | false
                    {"process":{"user":{"uid":1e999}}}                                                | false
                    {"process":{"user":{"uid":0}},"linux":{"namespaces":[{"type":"pid"}]}}            | true
                    {"process":{"user":{"uid":0}},"linux":{"namespaces":[{"type":"user"}]}}           | false
                    {"linux":{"namespaces":[{"type":"user","path":"/n"}]},"process":{"user":{}}}      | false
                    """)
    void knowsWhetherInitIsRootOnTheHost(String json, boolean root) throws IOException {
        assertThat(read(json).isRootOnHost()).isEqualTo(root);
    }

    @Test
    void readsAnnotationsAndPassesOverTheRest() throws IOException {
        var spec = read("""
                {"ociVersion":"1.0.2","process":{"args":["a",{"b":[1,2]}]},"annotations":{"a":"1","b":null},"hooks":{}}
                """);
        assertThat(spec.annotations()).isEqualTo(Map.of("a", "1", "b", ""));
    }

    @ParameterizedTest(name = "<{0}>")
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{",
                "{\"linux\":",
                "{\"linux\":[]}",
                "{\"linux\":{\"namespaces\":[1]}}",
                "{\"annotations\":{\"a\":{}}}",
                "not json",
                "\u0000\u0001"
            })
    void namesTheFileThatIsBroken(String json) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(bundle.resolve("config.json") + " cannot be read as an OCI spec: ");
    }

    @Test
    void namesTheFileThatIsMissing() {
        assertThatThrownBy(() -> Spec.read(bundle))
                .isInstanceOf(IOException.class)
                .hasMessage(bundle.resolve("config.json") + " is missing: a bundle needs the container's OCI spec");
    }
}
