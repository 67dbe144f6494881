package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The completion scripts in the shells that they are for. */
@Timeout(120)
class CompletionTest {
    @TempDir
    private Path temp;

    @Test
    void inBash() throws Exception {
        var script = script("bash", "jshimctl");
        var asked = """
                . "$1"
                ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _complete_jshimctl; echo "${COMPREPLY[@]}"; }
                ask jshimctl mi
                ask jshimctl migrate ro
                ask jshimctl ls -o ''
                """;
        assertThat(shell("/bin/bash", "--norc", "-c", asked, "bash", script.toString()))
                .containsSubsequence("migrate", "rollback", "table wide name json yaml custom-columns= jsonpath=");
    }

    /** The node is asked for them, that one which the line names; a value of an option is none. */
    @Test
    void idsInBash() throws Exception {
        var script = script("bash", "jshimctl");
        var asked = """
                . "$1"
                ask() {
                  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _complete_jshimctl; echo "$*: ${COMPREPLY[*]}"
                }
                dir=$2
                jshimctl() { echo "$*" >>"$dir/asked"; printf 'web\\nweb-2\\ndb\\n'; }
                ask jshimctl inspect ''
                ask jshimctl -n k8s.io kill -s TERM we
                ask jshimctl exec --exec-id ''
                ask jshimctl ls ''
                ask jshimctl shim replace --root /r d
                """;
        assertThat(shell("/bin/bash", "--norc", "-c", asked, "bash", script.toString(), temp.toString()))
                .containsExactly(
                        "jshimctl inspect : web web-2 db",
                        "jshimctl -n k8s.io kill -s TERM we: web web-2",
                        "jshimctl exec --exec-id : ",
                        "jshimctl ls : ",
                        "jshimctl shim replace --root /r d: db");
        assertThat(Files.readAllLines(temp.resolve("asked")))
                .containsExactly(
                        "--timeout 500ms ls -q --no-others",
                        "-n k8s.io --timeout 500ms ls -q --no-others",
                        "--root /r --timeout 500ms ls -q --no-others");
    }

    @Test
    void inFish() throws Exception {
        var script = script("fish", "jshimctl.fish");
        var asked = "function jshimctl; echo web; end; source $argv[1]; for line in 'jshimctl mi' 'jshimctl ls -o '"
                + " 'jshimctl completion ' 'jshimctl inspect '; complete -C $line; end";
        var answer = shell("/usr/bin/fish", "--no-config", "-c", asked, script.toString());
        assertThat(answer.stream().map(line -> line.replaceFirst("\t.*", "")))
                .containsExactly(
                        "migrate",
                        "custom-columns=",
                        "json",
                        "jsonpath=",
                        "name",
                        "table",
                        "wide",
                        "yaml",
                        "bash",
                        "fish",
                        "zsh",
                        "web");
    }

    /** The script is loaded by the very first completion, as it is where a package has installed it. */
    @Test
    void inZsh() throws Exception {
        script("zsh", "_jshimctl");
        Files.writeString(temp.resolve("jshimctl"), "#!/bin/sh\necho queue-7\n");
        assertThat(temp.resolve("jshimctl").toFile().setExecutable(true)).isTrue();
        var asked = """
                zmodload zsh/zpty
                zpty z zsh -f
                expect() { local answer; zpty -r z answer "*$1*"; }
                zpty -w z "PS1='>'; cd $1; path=($1 \\$path); fpath=($1 \\$fpath); autoload -U compinit; compinit -u -d $1/dump; echo rea''dy"
                expect ready
                zpty -n -w z $'jshimctl mi\\t'
                expect migrate && echo command
                zpty -n -w z $'app\\t'
                expect apply && echo subcommand
                zpty -n -w z $'--restar\\t'
                expect --restart && echo option
                zpty -n -w z $'\\x15jshimctl inspect que\\t'
                expect queue-7 && echo id
                zpty -d z
                """;
        assertThat(shell("/usr/bin/zsh", "-f", "-c", asked, "zsh", temp.toString()))
                .containsExactly("command", "subcommand", "option", "id");
    }

    private Path script(String shell, String name) throws IOException {
        var result = Result.of("completion", shell);
        assertThat(result.code()).isZero();
        return Files.writeString(temp.resolve(name), result.out());
    }

    /** What it printed, nothing on stderr. */
    private List<String> shell(String... command) throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of(command[0])), command[0] + " is not installed");
        var out = temp.resolve("out");
        var err = temp.resolve("err");
        var process = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(Files.readString(err).replaceAll(".*compopt: not currently executing.*\n", ""))
                .isEmpty();
        return Files.readAllLines(out);
    }
}
