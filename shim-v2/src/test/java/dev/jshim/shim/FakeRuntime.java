package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.runc.Options;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A shell script that behaves as an OCI runtime does, but for the containing: init is the bundle's {@code init.sh}, an
 * exec is the script that its spec holds. Before it does anything it runs what {@link #on} left for the command.
 */
public final class FakeRuntime {
    private static final String SCRIPT = """
            #!/bin/sh
            ctl=${0%/*}/control
            echo "$*" >>$ctl/argv
            root= log=/dev/null bundle= pidfile= process= verb= force= id= signal=
            while [ $# -gt 0 ]; do
              case $1 in
                --root) root=$2; shift ;;
                --log) log=$2; shift ;;
                --log-format) shift ;;
                --bundle) bundle=$2; shift ;;
                --pid-file) pidfile=$2; shift ;;
                --process) process=$2; shift ;;
                --image-path|--work-path|--resources|--empty-ns|--manage-cgroups-mode) shift ;;
                --force) force=1 ;;
                -*) ;;
                *) if [ -z "$verb" ]; then verb=$1; elif [ -z "$id" ]; then id=$1; else signal=$1; fi ;;
              esac
              shift
            done
            echo "$verb $id $signal" >>$ctl/calls
            fail() { echo "{\\"level\\":\\"error\\",\\"msg\\":\\"$*\\"}" >>$log; exit 1; }
            dir=$root/$id
            alive() { [ -d /proc/$(cat $dir/pid) ]; }
            for hook in $ctl/$verb $ctl/$verb.$id; do [ -f $hook ] && . $hook; done
            # Not with &: dash may wait for a child of its own, and its exit is then lost to the shim.
            exec 3<&0 4>&1
            case $verb in
              create)
                mkdir -p $root && mkdir $dir 2>/dev/null || fail "container with given ID already exists"
                echo $bundle >$dir/bundle
                mkfifo $dir/gate
                exec 5<>$dir/gate
                pid=$(setsid --fork sh -c 'echo $$; exec <&3 >&4 3<&- 4>&-; read _ <&5; exec sh "$1" 5<&-' \\
                  init $bundle/init.sh)
                echo $pid >$dir/pid
                echo $pid >$pidfile ;;
              start)
                alive || fail "cannot start a stopped container"
                echo created >$dir/started
                echo go 1<>$dir/gate ;;
              exec)
                alive || fail "cannot exec in a stopped container"
                script=$(sed 's/.*"script":"\\([^"]*\\)".*/\\1/' $process | base64 -d)
                pid=$(setsid --fork sh -c 'echo $$; exec sh -c "$1" exec <&3 >&4 3<&- 4>&-' exec "$script")
                echo $pid >$pidfile ;;
              kill) alive || fail "process already finished"; kill -$signal $(cat $dir/pid) || fail "no such process" ;;
              delete)
                [ -d $dir ] || fail "container does not exist"
                if alive; then
                  [ -z "$force" ] && [ -f $dir/started ] && fail "cannot delete a running container"
                  kill -9 $(cat $dir/pid)
                fi
                rm -r $dir ;;
              restore)
                mkdir -p $root && mkdir $dir 2>/dev/null || fail "container with given ID already exists"
                echo restored >$dir/started
                pid=$(setsid --fork sh -c 'echo $$; exec <&3 >&4 3<&- 4>&-; exec sh "$1"' init $bundle/init.sh)
                echo $pid >$dir/pid
                echo $pid >$pidfile ;;
              state)
                [ -f $dir/bundle ] || fail "container does not exist"
                status=created
                [ -f $dir/started ] && status=running
                [ -f $dir/paused ] && status=paused
                alive || status=stopped
                echo "{\\"id\\":\\"$id\\",\\"status\\":\\"$status\\",\\"bundle\\":\\"$(cat $dir/bundle)\\"}" ;;
              pause) touch $dir/paused ;;
              resume) rm -f $dir/paused ;;
              checkpoint|update) ;;
              *) fail "unknown command $verb" ;;
            esac
            exit 0
            """;

    private final Path control;
    private final Path root;
    private final Path binary;

    /** @param folder an empty one of its own */
    public FakeRuntime(Path folder) throws IOException {
        control = Files.createDirectories(folder.resolve("control"));
        root = folder.resolve("root");
        binary = folder.resolve("runtime");
        Files.writeString(binary, SCRIPT);
        Files.setPosixFilePermissions(binary, PosixFilePermissions.fromString("rwx------"));
    }

    public Path binary() {
        return binary;
    }

    /** Where it keeps a container. */
    public Path state(String id) {
        return root.resolve("test").resolve(id);
    }

    /** Lines of shell to be run before a command for one container; they may exit, or hang. */
    public void on(String verb, String id, String script) throws IOException {
        Files.writeString(control.resolve(verb + "." + id), script + "\n");
    }

    /** The calls of one container so far, such as {@code kill box 9}. */
    public java.util.List<String> calls(String id) throws IOException {
        return Files.readAllLines(control.resolve("calls")).stream()
                .filter(line -> line.split(" ", -1)[1].equals(id))
                .map(String::strip)
                .toList();
    }

    /** The whole command lines so far of one command. */
    public java.util.List<String> commandLines(String verb, String id) throws IOException {
        return Files.readAllLines(control.resolve("argv")).stream()
                .filter(line -> line.contains(" " + verb + " ") && line.endsWith(" " + id))
                .toList();
    }

    public Any options() {
        return options(binary.toString());
    }

    /** As text, with one more line. */
    public Any options(String key, Object value) {
        var text = "BinaryName = \"%s\"\nRoot = \"%s\"\n%s = %s\n".formatted(binary, root, key, value);
        return Any.newBuilder()
                .setTypeUrl("runtimeoptions.v1.Options")
                .setValue(dev.jshim.proto.v2.runtimeoptions.Options.newBuilder()
                        .setConfigBody(ByteString.copyFromUtf8(text))
                        .build()
                        .toByteString())
                .build();
    }

    public Any options(String otherBinary) {
        return Any.newBuilder()
                .setTypeUrl("containerd.runc.v1.Options")
                .setValue(Options.newBuilder()
                        .setBinaryName(otherBinary)
                        .setRoot(root.toString())
                        .build()
                        .toByteString())
                .build();
    }
}
