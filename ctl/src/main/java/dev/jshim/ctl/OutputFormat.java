package dev.jshim.ctl;

/** How results are written. */
enum OutputFormat {
    /** Columns for a person, as wide as the terminal. */
    table,
    /** The same with more columns. */
    wide,
    json,
    yaml
}
