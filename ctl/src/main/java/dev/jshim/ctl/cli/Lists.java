package dev.jshim.ctl.cli;

import org.jspecify.annotations.Nullable;

/** A command whose result is a list. */
public interface Lists {
    /** How its rows are shown; null if this command line asks for something else. */
    @Nullable
    Listing listing();
}
