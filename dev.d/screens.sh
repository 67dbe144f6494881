# shellcheck shell=bash
# Writes docs/screens.md, and the pictures in docs/pictures: what jshimctl shows in a terminal of 110 columns, on a node
# that is made for it and removed again. Sourced by dev, with the tools exported.

screens() { # file
    command -v tmux >/dev/null || die "screens: needs tmux: apt-get install tmux"
    [ "$(id -u)" -eq 0 ] || die "screens: run it as root"
    screens_file=$1
    screens_dir=$(mktemp -d /tmp/jsXXXXX) # a name as long as "default", for which it is exchanged
    screens_name=${screens_dir##*/}
    trap 'screens_clean' EXIT
    screens_node
    screens_terminal
    {
        screens_head
        screen "Every task, with what its shim answers: one shim is stopped, and one bundle has no task." "jshimctl ls" ls
        screen "All that is known of one." "jshimctl inspect web"
        screen "What stands in the way of containerd 2.x." "jshimctl check" check
        kill -CONT "$screens_mute"
        screen "The v1 containers are adopted, while they run." "jshimctl migrate apply --yes" apply
        screen "And are still what they were." "jshimctl ls"
    } >"$screens_file.new"
    mv "$screens_file.new" "$screens_file"
}

screens_head() {
    cat <<'TEXT'
# Screens

What `jshimctl` shows in a terminal of 110 columns. Made by `./dev screens`, on a node of its own: containerd 1.6 with
three containers on its v1 runtime, one on `io.containerd.runc.v2`, one on `io.containerd.runtime.v2.oci`. Its folders are
shown under containerd's own names. In colour: [ls](pictures/ls.svg), [check](pictures/check.svg), [apply](pictures/apply.svg).
TEXT
}

screens_ctr() {
    "$JSHIM_CONTAINERD_16/ctr" -a "$screens_dir/c.sock" -n "$screens_name" "$@"
}

screens_node() {
    local runtime
    mkdir -p "$screens_dir"/rootfs/{bin,dev,etc,proc,sys,tmp}
    cp /bin/busybox "$screens_dir/rootfs/bin/"
    ln -s busybox "$screens_dir/rootfs/bin/sleep"
    cat >"$screens_dir/config.toml" <<TOML
version = 2
root = "$screens_dir/root"
state = "$screens_dir/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$screens_dir/c.sock"
[plugins."io.containerd.runtime.v1.linux"]
  runtime = "runc"
TOML
    PATH=$JSHIM_HOME/bin:$JSHIM_CONTAINERD_16:$PATH setsid "$JSHIM_CONTAINERD_16/containerd" --config "$screens_dir/config.toml" \
        >"$screens_dir/log" 2>&1 </dev/null &
    screens_daemon=$!
    until screens_ctr version >/dev/null 2>&1; do
        kill -0 "$screens_daemon" 2>/dev/null || die "screens: containerd has ended: $(tail -n 3 "$screens_dir/log")"
        sleep 0.2
    done
    for task in web db queue cache app; do
        case $task in
        cache) runtime=io.containerd.runc.v2 ;;
        app) runtime=io.containerd.runtime.v2.oci ;;
        *) runtime=io.containerd.runtime.v1.linux ;;
        esac
        screens_ctr run -d --runtime "$runtime" --rootfs "$screens_dir/rootfs" "$task" /bin/sleep 100000
    done
    screens_mute=$(cat "$screens_dir/state/io.containerd.runtime.v1.linux/$screens_name/db/shim.pid")
    kill -STOP "$screens_mute"
    mkdir -p "$screens_dir/state/io.containerd.runtime.v2.task/$screens_name/left/rootfs"
    chmod 0711 "$screens_dir/state/io.containerd.runtime.v1.linux"
}

# A shell in which jshimctl knows its node; what is typed is what an operator would type.
screens_terminal() {
    cat >"$screens_dir/rc" <<RC
PS1='# '
jshimctl() {
    # Only the list is to show what is mute soon; a busy machine has time for the rest.
    case \$1 in ls) set -- "\$@" --timeout 2s ;; *) set -- "\$@" --timeout 20s ;; esac
    "$JSHIM_HOME/bin/jshimctl" --config "$screens_dir/config.toml" "\$@"
}
RC
    screens_tmux -f /dev/null new-session -d -x 110 -y 150 "bash --noprofile --rcfile $screens_dir/rc -i"
    sleep 1
}

screens_tmux() {
    tmux -L "$screens_name" "$@"
}

# Types a command, waits for its end, and writes what stands on the screen; with colours as a picture of that name.
screen() { # what it shows, command, picture
    screens_tmux send-keys "clear; $2; tmux -L $screens_name wait-for -S done" Enter
    screens_tmux wait-for done
    sleep 0.5
    printf '\n%s\n\n    # %s\n' "$1" "$2"
    screens_tmux capture-pane -p -J | screens_names | sed -e 's/^./    &/'
    [ -z "${3:-}" ] || {
        printf '# %s\n' "$2"
        screens_tmux capture-pane -p -e -J | screens_names
    } | awk -f dev.d/picture.awk >"docs/pictures/$3.svg"
}

# The node's folders and name as an operator's would be; what belongs to the way it is made is left out.
screens_names() {
    sed -e "s#$screens_dir/root\\b#/var/lib/containerd#g; s#$screens_dir/state\\b#/run/containerd#g" \
        -e "s#$screens_dir/c.sock#/run/containerd/containerd.sock#g; s#$screens_dir/config.toml#/etc/containerd/config.toml#g" \
        -e "s#$JSHIM_HOME#/opt/jshim#g; s#$screens_name#default#g" \
        -e '/another containerd/d; /^# *$/d; s/ *$//' |
        sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

screens_clean() {
    screens_tmux kill-server 2>/dev/null || :
    [ -z "${screens_mute:-}" ] || kill -CONT "$screens_mute" 2>/dev/null || :
    "$JSHIM_HOME/bin/jshimctl" --config "$screens_dir/config.toml" migrate rollback --yes >/dev/null 2>&1 || {
        # It is refused only where nothing was adopted, or what was must not be touched.
        true
    }
    for task in web db queue cache app; do
        screens_ctr task kill -s KILL "$task" >/dev/null 2>&1 || :
        screens_ctr task rm -f "$task" >/dev/null 2>&1 || :
        screens_ctr container rm "$task" >/dev/null 2>&1 || :
    done
    [ -z "${screens_daemon:-}" ] || kill "$screens_daemon" 2>/dev/null || :
    wait 2>/dev/null || :
    rm -rf "$screens_dir" "/run/containerd/runc/$screens_name"
}
