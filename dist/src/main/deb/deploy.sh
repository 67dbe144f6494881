# shellcheck shell=sh
# Part of the package's scripts. What dpkg unpacks, package/, is never run: it changes file by file while it is replaced,
# and a JVM opens some of its files late. What runs is a copy of it by hard links, tree-VERSION.N, to which the link
# "current" points. An upgrade makes another copy and turns the link; the old one stays while a process uses it.

# The image's installer uses them too, with a folder, a state directory and options of jshimctl's of its own.
: "${home:=/usr/lib/jshim}" "${state:=/run/containerd}" "${ctl_options:=}"
v2_bundles=$state/io.containerd.runtime.v2.task
bridge=$state/jshim

deploy() { # version
    umask 022
    number=1
    while [ -e "$home/tree-$1.$number" ]; do number=$((number + 1)); done
    new=$home/tree-$1.$number part=$home/.new
    rm -rf "$part"
    cp -al "$home/package" "$part" 2>/dev/null || { rm -rf "$part" && cp -a "$home/package" "$part"; }
    mkdir "$part/lib/aot"
    mv -T "$part" "$new"
    add_caches "$new"
    sync -f "$new" || :
    ln -sfn "${new##*/}" "$home/.current"
    mv -T "$home/.current" "$home/current"
    prove
}

# The AOT caches (docs/adr/0002-aot-cache.md), made where the tree stays.
add_caches() ( # tree
    lib=$1/lib
    . "$lib/sh/java.sh"
    . "$lib/sh/train.sh"
    for component in shim bridge ctl; do
        train "$component" || echo "jshim: no AOT cache for $component: it starts slower and needs more memory" >&2
    done
)

# The first start of each program takes its sums and remembers that they hold; the first container shall not wait.
prove() {
    for program in 'containerd-shim-v2-oci -v' 'containerd-shim-v1-linux -v' 'jshimctl --version'; do
        # shellcheck disable=SC2086 # a program and its argument
        (cd / && "$home/current/bin/"$program </dev/null >/dev/null 2>&1) || echo "jshim: $program does not run" >&2
    done
}

# Puts a bridge of this version in the place of one that runs: its keeper holds all connections meanwhile, and takes the old
# one back if the new one does not come up. Not a reason to fail: the containers run on either way.
replace_bridge() {
    [ -S "$bridge/bridge.sock" ] || return 0
    if [ ! -e "$bridge/keeper" ]; then
        cat <<TEXT
jshim: the bridge that runs is of a version that cannot be replaced while containerd runs: it goes on. When it suits you:
  stop containerd, run "jshimctl bridge stop" and "jshimctl bridge start", start containerd
TEXT
        return 0
    fi
    # shellcheck disable=SC2086 # a list of options
    if why=$("$home/current/bin/jshimctl" --state "$state" $ctl_options bridge replace 2>&1 >/dev/null </dev/null); then
        echo 'jshim: the bridge of this version serves the adopted containers'
    else
        cat >&2 <<TEXT
$why
jshim: the bridge was not replaced; the adopted containers run on. "jshimctl bridge status" shows what serves them; then
  run "jshimctl bridge replace" again
TEXT
    fi
}

# The same for the shims of the containerd that runs. Those of versions without a keeper go on as they are.
replace_shims() {
    # shellcheck disable=SC2086
    if why=$("$home/current/bin/jshimctl" $ctl_options shim replace --all 2>&1 >/dev/null </dev/null); then return 0; fi
    cat >&2 <<TEXT
$why
jshim: not every shim was replaced; all containers run on. "jshimctl shim replace --all" tries again
TEXT
}

# Removes the trees that were replaced and that nobody uses any more.
remove_unused() {
    for tree in "$home"/tree-*; do
        if [ -d "$tree" ] && [ "$tree" != "$home/$(readlink "$home/current")" ] && ! is_used "$tree"; then
            rm -rf "$tree"
        fi
    done
}

# A process that runs a program of the tree or has a file of it open, be it a script. A keeper is of the tree of what it
# starts, also while that does not run. No /proc: nobody knows.
is_used() { # tree
    [ -d /proc/self/fd ] || return 0
    [ -n "$(find /proc/[0-9]*/exe /proc/[0-9]*/fd -maxdepth 1 -lname "$1/*" -print -quit 2>/dev/null)" ]
}

# Prints what would be harmed if the package went: shims and bridges that run, adopted containers. jshimctl is nobody.
users() {
    for exe in /proc/[0-9]*/exe; do
        pid=${exe#/proc/} pid=${pid%/exe}
        case $(readlink "$exe") in "$home"/*) ;; *) continue ;; esac
        for tree in "$home"/tree-*; do
            [ ! "$exe" -ef "$tree/lib/native/jshim-keeper" ] || echo "process $pid, the keeper of a bridge or shim"
            [ "$exe" -ef "$tree/lib/jvm/bin/java" ] || continue
            case " $(tr '\0' ' ' <"/proc/$pid/cmdline") " in
            *' dev.jshim.shim.Main '*) echo "process $pid, a shim" ;;
            *' dev.jshim.bridge.Main '*) echo "process $pid, a bridge or a shim of containerd-shim-v1-linux" ;;
            esac
            break
        done
    done 2>/dev/null
    for record in "$v2_bundles"/*/*/jshim.v1; do
        [ ! -e "$record" ] || echo "the adopted container ${record#"$v2_bundles"/}" | sed 's|/jshim.v1$||'
    done
}

reload_systemd() {
    [ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || :
}
