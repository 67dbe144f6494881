# shellcheck shell=sh
# Root believes what it finds in files of ours: nobody else may have had a hand in them.

# Whatever the umask of who calls. One that is stricter stays.
umask g-w,o-w

# Whether no other user can have changed a file: it is root's, or of the user named, and nobody else may write it.
is_closed() { # "mode:user:..." as stat prints them with %a and %u; a user's number
    case ${1%%:*} in *[2367] | *[2367]?) return 1 ;; esac
    case ${1#*:} in 0:* | "$2":*) ;; *) return 1 ;; esac
}
