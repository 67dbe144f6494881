# shellcheck shell=bash
# A Docker of each version: client, daemon, docker-proxy and docker-init of a Debian suite, unpacked and never installed.

# Prints the folder with dockerd and docker.
docker_folder() { # 20.10 | 26 | 28
    local suites
    case $1 in
    20.10) suites=bookworm ;;
    26) suites=trixie ;;
    28) suites='forky sid' ;;
    *) die "docker: which version, 20.10, 26 or 28?" ;;
    esac
    debian_programs docker "$1" "$suites" 'docker.io docker-cli tini tini-static' 'dockerd docker docker-proxy docker-init' "$1."
}
