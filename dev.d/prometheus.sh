# shellcheck shell=bash
# Prometheus with promtool, and node_exporter, of Debian 12: unpacked and never installed, for MetricsTest.

# Prints the folder with the programs.
prometheus_folder() {
    debian_programs prometheus bookworm bookworm 'prometheus prometheus-node-exporter' 'prometheus promtool prometheus-node-exporter' ''
}
