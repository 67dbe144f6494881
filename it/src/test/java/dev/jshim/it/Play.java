package dev.jshim.it;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A play of {@code ansible/} on hosts that are this machine.
 *
 * @param folder for Ansible's own files
 * @param hosts what stands in the inventory for each, by its name
 */
record Play(Path folder, JsonObject hosts) {
    private static final Duration LIMIT = Duration.ofMinutes(8);

    /** A host that is this machine. */
    static JsonObject here(Path folder) {
        JsonObject all = new JsonObject();
        all.addProperty("ansible_connection", "local");
        all.addProperty("ansible_become", false);
        all.addProperty("ansible_python_interpreter", "/usr/bin/python3");
        all.addProperty("ansible_remote_tmp", folder + "/ansible");
        return all;
    }

    /** Runs one of the repository's playbooks with one variable more, as {@code NAME=VALUE}. */
    Outcome run(String playbook, String variable, String... flags) throws IOException {
        JsonObject group = new JsonObject();
        group.add("hosts", hosts);
        JsonObject all = new JsonObject();
        all.add("containerd_nodes", group);
        Path inventory = Files.writeString(folder.resolve("inventory.json"), all.toString());
        List<String> command = new ArrayList<>(List.of(
                "ansible-playbook",
                "-i",
                inventory.toString(),
                "-e",
                variable,
                Page.file("ansible/" + playbook).toString()));
        command.addAll(List.of(flags));
        return Run.of(command)
                .variables(Map.of(
                        "LC_ALL",
                        "C.UTF-8",
                        "ANSIBLE_HOME",
                        folder + "/ansible",
                        "ANSIBLE_REMOTE_TMP",
                        folder + "/ansible"))
                .within(LIMIT)
                .run();
    }

    /** A number of Ansible's recap; 0 for a host that the play has not come to. */
    static int recap(String said, String host, String name) {
        var line =
                Pattern.compile("(?m)^" + host + " +: .*\\b" + name + "=(\\d+)").matcher(said);
        return line.find() ? Integer.parseInt(line.group(1)) : 0;
    }
}
