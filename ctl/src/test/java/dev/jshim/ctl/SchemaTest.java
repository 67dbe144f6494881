package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class SchemaTest {
    /** Where a command's is not that of its name. */
    private static final Map<String, String> DEFINITIONS = Map.of("stats", "statsOfAll");

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "ls,ls",
        "find,find PID",
        "state,stateOf",
        "sockets,sockets -n default",
        "kill,kill web",
        "wait,wait web",
        "stats,stats web",
        "statsOfAll,stats",
        "pause,pause web",
        "resume,resume web",
        "pids,pids web",
        "inspect,inspect web",
        "inspect,inspect db",
        "bundles,bundles -n default --older-than 1ms",
        "clean,clean -n default --older-than 1ms",
        "check,check",
        "bridgeStatus,bridge status"
    })
    void isWhatIsWritten(String definition, String command) throws IOException {
        var isState = definition.equals("state");
        try (var node = new FakeNode(directory)) {
            node.task("default", "web", Status.RUNNING);
            node.bundle("default", "left");
            var words = isState ? "state web" : command;
            if (!words.endsWith(" web")) {
                node.mute("default", "db");
                node.patience("1s"); // what is shown has the same form with an answer and without
            }
            var args = (words.replace("PID", Integer.toString(FakeNode.PID)) + " -o json").split(" ", -1);
            var out = Result.on(node, args).out();
            assertThat(SchemaCheck.errors(isState ? command : definition, out)).isEmpty();
        }
    }

    /** What can be chosen as a column is what JSON has. */
    @Test
    void listsKnowTheirFields() throws IOException {
        var definitions = JsonParser.parseString(Files.readString(Path.of("../docs/jshimctl.schema.json")))
                .getAsJsonObject()
                .getAsJsonObject("$defs");
        var nowhere = new PrintWriter(Writer.nullWriter());
        var lists = CommandTree.commandLine(nowhere, nowhere).getSubcommands().entrySet().stream()
                .filter(entry -> entry.getValue().getCommandSpec().userObject() instanceof Lists)
                .filter(entry -> !entry.getKey().equals("list"))
                .toList();
        assertThat(lists).hasSizeGreaterThan(4);
        for (var entry : lists) {
            var command = (Lists) entry.getValue().getCommandSpec().userObject();
            var listing = Objects.requireNonNull(command.listing());
            var definition = DEFINITIONS.getOrDefault(entry.getKey(), entry.getKey());
            var properties = definitions.getAsJsonObject(definition).getAsJsonObject("properties");
            var rows = properties.keySet().stream()
                    .filter(name -> !name.equals("problems")
                            && properties.getAsJsonObject(name).has("items"))
                    .findFirst()
                    .orElseThrow();
            var row = properties.getAsJsonObject(rows).getAsJsonObject("items");
            var fields = row.has("$ref") ? definitions.getAsJsonObject("task") : row;
            assertThat(listing.fields())
                    .as(entry.getKey())
                    .containsExactlyInAnyOrderElementsOf(
                            fields.getAsJsonObject("properties").keySet());
        }
    }

    @Test
    void theCheckCanFail() throws IOException {
        assertThat(SchemaCheck.errors("pause", "{\"namespace\":\"a\",\"id\":1,\"status\":\"running\",\"x\":null}"))
                .hasSize(3);
        assertThat(Files.readString(Path.of("../docs/jshimctl.schema.json"))).contains("\"$defs\"");
    }
}
