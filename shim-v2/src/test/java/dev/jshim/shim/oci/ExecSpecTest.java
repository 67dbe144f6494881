package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import dev.jshim.task.ShimException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExecSpecTest {
    private static final String ALL = """
            {"args": ["ü\\u0000</x>", ""], "a": {"b": [{}, [], [null, true, false]]},
             "numbers": [1, -0, 18446744073709551615, 1e400, 0.10]%s}""";

    @TempDir
    Path folder;

    @Test
    void whatFitsStaysAsItCame() throws Exception {
        assertThat(written(ALL.formatted(""), false)).isEqualTo(ALL.formatted(""));
        assertThat(written(ALL.formatted(",\"terminal\":true"), true)).isEqualTo(ALL.formatted(",\"terminal\":true"));
        assertThat(written("{\"terminal\":null}", false)).isEqualTo("{\"terminal\":null}");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("spec"))))
                .isEqualTo("rw-------");
    }

    @Test
    void theRequestSaysWhetherThereIsATerminal() throws Exception {
        for (var said : new String[] {"", ",\"terminal\":false", ",\"terminal\":null"}) {
            var text = written(ALL.formatted(said), true);
            var spec = JsonParser.parseString(text).getAsJsonObject();
            assertThat(spec.remove("terminal").getAsBoolean()).isTrue();
            assertThat(spec).isEqualTo(JsonParser.parseString(ALL.formatted("")));
            assertThat(text).contains("[1,-0,18446744073709551615,1e400,0.10]").contains("</x>");
        }
        assertThat(written("{\"terminal\":true,\"a\":{\"terminal\":true}}", false))
                .isEqualTo("{\"terminal\":false,\"a\":{\"terminal\":true}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "null", "[]", "1", "{", "{}{}", "{} x", "{\"terminal\":\"yes\"}", "{\"a\":}", "{'a':1}"})
    void whatIsNoObjectIsTheClientsMistake(String spec) {
        assertThatThrownBy(() -> written(spec, true))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.INVALID_ARGUMENT));
        assertThat(folder).isEmptyDirectory();
    }

    private String written(String spec, boolean terminal) throws Exception {
        var file = folder.resolve("spec");
        Files.deleteIfExists(file);
        ExecSpec.write(ByteString.copyFromUtf8(spec), terminal, file);
        return Files.readString(file);
    }
}
