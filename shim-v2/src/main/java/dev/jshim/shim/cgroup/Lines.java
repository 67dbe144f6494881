package dev.jshim.shim.cgroup;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.StringTokenizer;

/** The lines of a small text, without their ends. No stream and no pattern: metrics are scraped often. */
record Lines(String text) implements Iterable<String> {

    /** The parts of a line between any of the separators; never an empty part. */
    static List<String> fields(String line, String separators) {
        var tokens = new StringTokenizer(line, separators);
        var fields = new ArrayList<String>(5);
        while (tokens.hasMoreTokens()) {
            fields.add(tokens.nextToken());
        }
        return fields;
    }

    @Override
    public Iterator<String> iterator() {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < text.length();
            }

            @Override
            public String next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                var end = text.indexOf('\n', at);
                var line = text.substring(at, end < 0 ? text.length() : end);
                at = end < 0 ? text.length() : end + 1;
                return line;
            }
        };
    }
}
