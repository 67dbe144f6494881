package dev.jshim.ctl;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows in columns as wide as they need, or as the screen allows. */
final class Table {
    private static final int GAP = 2;
    private static final int NARROW_GAP = 1;
    private static final String CUT = "…";

    /** A column is not made narrower than its heading, nor than this. */
    private static final int MIN_WIDTH = 8;

    private static final Screen ANY = new Screen(false, 0, false);

    private final List<List<String>> rows = new ArrayList<>();

    Table(String... headings) {
        rows.add(List.of(headings));
    }

    /** Adds a row of as many cells as there are headings; null and an empty text are shown as a dash. */
    void row(@Nullable Object... cells) {
        var row = new ArrayList<String>();
        for (var cell : cells) {
            var text = cell == null ? "" : Text.oneLine(cell);
            row.add(text.isEmpty() ? "-" : text);
        }
        if (row.size() != rows.getFirst().size()) {
            throw new IllegalArgumentException("a row of " + row.size() + " cells");
        }
        rows.add(row);
    }

    /** Writes it as wide as it is. */
    void write(PrintWriter out) {
        write(out, ANY);
    }

    /**
     * Writes it, the widest columns cut until it fits, and these nearer to each other where that does not do. What
     * still does not fit is not cut: it would be broken into two lines all the same.
     */
    void write(PrintWriter out, Screen screen) {
        var widths = widths();
        var gap = fit(widths, screen.width(), GAP) || !fit(widths, screen.width(), NARROW_GAP) ? GAP : NARROW_GAP;
        var heading = true;
        for (var row : rows) {
            var line = new StringBuilder();
            for (var i = 0; i < widths.length; i++) {
                var cell = cut(row.get(i), widths[i]);
                var pad = i == widths.length - 1 ? 0 : widths[i] - Text.width(cell);
                line.append(screen.hasColor() && !heading ? Color.of(cell) : cell)
                        .append(" ".repeat(pad))
                        .append(i == widths.length - 1 ? "" : " ".repeat(gap));
            }
            out.println(line.toString().stripTrailing());
            heading = false;
        }
    }

    private int[] widths() {
        var widths = new int[rows.getFirst().size()];
        for (var row : rows) {
            for (var i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], Text.width(row.get(i)));
            }
        }
        return widths;
    }

    /** Takes from the widest column, one at a time; false, and nothing taken, where it cannot be made to fit. */
    private boolean fit(int[] widths, int screen, int gap) {
        var least = rows.getFirst().stream()
                .mapToInt(heading -> Math.max(MIN_WIDTH, heading.length()))
                .toArray();
        var narrow = widths.clone();
        var all = Arrays.stream(widths).sum() + gap * (widths.length - 1);
        while (screen > 0 && all > screen) {
            var widest = -1;
            for (var i = 0; i < narrow.length; i++) {
                if (narrow[i] > least[i] && (widest < 0 || narrow[i] >= narrow[widest])) {
                    widest = i;
                }
            }
            if (widest < 0) {
                return false;
            }
            narrow[widest]--;
            all--;
        }
        System.arraycopy(narrow, 0, widths, 0, narrow.length);
        return true;
    }

    /** A path loses its middle: what tells it from others is mostly at its end. */
    private static String cut(String cell, int width) {
        var all = Text.width(cell);
        if (all <= width) {
            return cell;
        }
        var tail = cell.indexOf('/') < 0 ? 0 : (width - 1) * 2 / 3;
        return cell.substring(0, cell.offsetByCodePoints(0, width - 1 - tail))
                + CUT
                + cell.substring(cell.offsetByCodePoints(0, all - tail));
    }
}
