package dev.jshim.ctl.output;

import dev.jshim.task.Printable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Text for a terminal. */
public final class Text {
    private Text() {}

    /** Without control characters, which a container's arguments may hold to deceive a terminal. */
    public static String oneLine(@Nullable Object value) {
        return Printable.line(String.valueOf(value));
    }

    /** How many columns a text takes; a character outside of ASCII counts as one. */
    static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    /** A text in lines of so many columns, broken between words; in one if there is no such room. */
    public static List<String> wrapped(String text, int columns) {
        var out = new ArrayList<String>();
        var line = new StringBuilder();
        for (var word : text.split(" ", -1)) {
            if (columns > 0 && !line.isEmpty() && width(line.toString()) + 1 + width(word) > columns) {
                out.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        out.add(line.toString());
        return out;
    }

    /** Those of {@code words} that somebody may have meant by {@code typed}, the nearest first, three at most. */
    public static List<String> similar(String typed, Collection<String> words) {
        var most = Math.max(1, typed.length() / 3);
        return words.stream()
                .distinct()
                .filter(word -> distance(typed, word) <= most)
                .sorted((a, b) -> Integer.compare(distance(typed, a), distance(typed, b)))
                .limit(3)
                .toList();
    }

    /** How many characters must be put in, taken out, exchanged, or swapped with the next one. */
    static int distance(String a, String b) {
        var rows = new int[a.length() + 1][b.length() + 1];
        for (var i = 0; i <= a.length(); i++) {
            for (var j = 0; j <= b.length(); j++) {
                rows[i][j] = i == 0 || j == 0 ? i + j : nearest(rows, a, b, i, j);
            }
        }
        return rows[a.length()][b.length()];
    }

    private static int nearest(int[][] rows, String a, String b, int i, int j) {
        var same = a.charAt(i - 1) == b.charAt(j - 1);
        var least = Math.min(rows[i - 1][j - 1] + (same ? 0 : 1), Math.min(rows[i - 1][j], rows[i][j - 1]) + 1);
        var swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(least, rows[i - 2][j - 2] + 1) : least;
    }
}
