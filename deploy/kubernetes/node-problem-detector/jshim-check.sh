#!/bin/sh
# A custom plugin of node-problem-detector: jshim-check.sh [FILE [MINUTES]]. Reads the metrics that check.yaml, or the
# package's timer, leaves in FILE. Exits with 0 if "jshimctl check" finds no error, 1 if it does, 2 if that is not known, as
# when the file is older than MINUTES. What it says has 80 characters at most.
file=${1:-/var/lib/prometheus/node-exporter/jshim.prom} minutes=${2:-10}
unknown() {
    echo "$*"
    exit 2
}
[ -r "$file" ] || unknown "there are no metrics of jshim"
[ -z "$(find "$file" -mmin "+$minutes")" ] || unknown "the metrics of jshim are older than $minutes minutes"
errors='' unreadable=''
while read -r name value; do
    case $name in
    'jshim_check_findings{level="error"}') errors=${value%.0} ;;
    jshim_unreadable) unreadable=${value%.0} ;;
    esac
done <"$file"
case $errors in
'') unknown "the metrics of jshim were written without --check" ;;
0) ;;
*)
    echo "jshimctl check finds $errors errors on this node"
    exit 1
    ;;
esac
[ "$unreadable" = 0 ] || unknown "jshimctl cannot read containerd's folders"
echo "jshimctl check finds no error"
