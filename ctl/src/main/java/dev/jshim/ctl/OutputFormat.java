package dev.jshim.ctl;

/** How results are written. */
enum OutputFormat {
    table,
    json
}
