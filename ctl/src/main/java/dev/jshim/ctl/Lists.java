package dev.jshim.ctl;

import org.jspecify.annotations.Nullable;

/** A command whose result is a list. */
interface Lists {
    /** How its rows are shown; null if this command line asks for something else. */
    @Nullable
    Listing listing();
}
