# shellcheck shell=bash
# A CRIU that goes together with this machine's kernel and processor: the installed one if it does, else that of a newer
# Debian suite.

# Sets JSHIM_CRIU to the folder with criu; to nothing if there is none, and JSHIM_NO_CRIU to the reason.
find_criu() {
    local label fault
    JSHIM_CRIU='' JSHIM_NO_CRIU=''
    for label in installed trixie forky newest; do
        JSHIM_CRIU=$(criu_of "$label") || continue
        if fault=$(working "trying $JSHIM_CRIU/criu" dev.d/criu-fault.sh "$JSHIM_CRIU/criu"); then return; fi
        say "$fault"
        JSHIM_NO_CRIU+=${JSHIM_NO_CRIU:+; }$fault
    done
    JSHIM_CRIU=
    JSHIM_NO_CRIU="no CRIU can dump and restore a process on this machine: ${JSHIM_NO_CRIU:-none was found}"
}

criu_of() { # installed, or a label of debian_program
    local program
    if [ "$1" = installed ]; then
        program=$(command -v criu) && dirname "$program"
    else
        debian_program criu "$1"
    fi
}
