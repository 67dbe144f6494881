# shellcheck shell=bash
# A kubelet for KubeletTest. No Debian suite has one as a package; the source package of Debian 12 has all of Kubernetes
# 1.20.2 and what it needs, those of later suites kubectl alone.

# Prints the program.
kubelet_program() {
    if [ ! -x "$cache/kubelet/kubelet" ]; then
        install_missing "/usr/lib/go-1.19/bin/go golang-1.19-go"
        working "building a kubelet, which takes ten minutes of a processor" build_kubelet
    fi
    echo "$cache/kubelet/kubelet"
}

# In a shell of its own for its trap.
build_kubelet() (
    mkdir -p "$cache/kubelet"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    cd "$temp" || exit
    mkdir -p lists/partial cache/archives/partial go/src/k8s.io/kubernetes
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) bookworm main" >sources
    apt=(apt-get -o Dir::State::Lists="$temp/lists" -o Dir::Cache="$temp/cache" -o Dir::Etc::SourceList="$temp/sources"
        -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root)
    "${apt[@]}" update >log 2>&1 && "${apt[@]}" source --download-only kubernetes >>log 2>&1 || die "apt-get: $(cat log)"
    tar -xzf kubernetes_*.orig.tar.gz --strip-components=1 -C go/src/k8s.io/kubernetes
    version=$(sed -n 's/^Version: .*really\([0-9.]*\).*/v\1/p' kubernetes_*.dsc)
    GO111MODULE=off GOFLAGS='' GOPATH=$temp/go GOCACHE=$temp/built CGO_ENABLED=0 /usr/lib/go-1.19/bin/go build -tags providerless \
        -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=$version" \
        -o "$cache/kubelet/new" k8s.io/kubernetes/cmd/kubelet >log 2>&1 || die "go: $(tail -n 20 log)"
    mv "$cache/kubelet/new" "$cache/kubelet/kubelet"
)
