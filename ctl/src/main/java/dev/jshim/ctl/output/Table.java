package dev.jshim.ctl.output;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Rows in columns as wide as they need, or as the screen allows. */
public final class Table {
    private static final int GAP = 2;
    private static final int NARROW_GAP = 1;
    private static final String CUT = "…";

    /** A column is not made narrower than its heading, nor than the first of these; than the second, if need be. */
    private static final int[] LEAST_WIDTHS = {12, 8};

    private static final Pattern DOTTED = Pattern.compile("[A-Za-z][^.]*(\\.[^.]+)+");

    private static final Screen ANY = new Screen(false, 0, false);

    private final List<List<String>> rows = new ArrayList<>();
    private List<String> spare = List.of();

    public Table(String... headings) {
        rows.add(List.of(headings));
    }

    /** Columns that are left out, the first of these first, if a screen is too narrow for all. */
    public Table spare(List<String> headings) {
        spare = List.copyOf(headings);
        return this;
    }

    /** Adds a row of as many cells as there are headings; null and an empty text are shown as a dash. */
    public void row(@Nullable Object... cells) {
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
    public void write(PrintWriter out) {
        write(out, ANY);
    }

    /**
     * Writes it so that no line is broken: the widest columns cut until it fits, and these nearer to each other where
     * that does not do; then without the spare ones; what still does not fit loses its right end.
     */
    public void write(PrintWriter out, Screen screen) {
        for (var least : LEAST_WIDTHS) {
            for (var left = 0; left <= spare.size(); left++) {
                var shown = without(spare.subList(0, left));
                for (var gap = GAP; gap >= NARROW_GAP; gap--) {
                    var widths = widths(shown);
                    if (fit(widths, shown.getFirst(), least, screen.width(), gap)) {
                        write(out, screen, shown, widths, gap);
                        return;
                    }
                }
            }
        }
        var shown = without(spare);
        var widths = widths(shown);
        for (var i = 0; i < widths.length; i++) {
            widths[i] = Math.min(widths[i], least(shown.getFirst().get(i), LEAST_WIDTHS[1]));
        }
        write(out, screen, shown, toScreen(widths, screen.width()), NARROW_GAP);
    }

    /** The columns that still have room, and of the next one what does. */
    private static int[] toScreen(int[] widths, int screen) {
        var used = 0;
        for (var i = 0; i < widths.length; i++) {
            if (used + widths[i] > screen) {
                var some = Arrays.copyOf(widths, screen > used + 1 ? i + 1 : i);
                if (some.length > i) {
                    some[i] = screen - used;
                }
                return some;
            }
            used += widths[i] + NARROW_GAP;
        }
        return widths;
    }

    private static void write(PrintWriter out, Screen screen, List<List<String>> rows, int[] widths, int gap) {
        var heading = true;
        var headings = rows.getFirst();
        for (var row : rows) {
            var line = new StringBuilder();
            for (var i = 0; i < widths.length; i++) {
                var cell = cut(row.get(i), widths[i]);
                var pad = i == widths.length - 1 ? 0 : widths[i] - Text.width(cell);
                line.append(screen.hasColor() && !heading ? Color.cell(headings.get(i), cell) : cell)
                        .append(" ".repeat(pad))
                        .append(i == widths.length - 1 ? "" : " ".repeat(gap));
            }
            out.println(line.toString().stripTrailing());
            heading = false;
        }
    }

    private List<List<String>> without(List<String> headings) {
        if (headings.isEmpty()) {
            return rows;
        }
        var all = rows.getFirst();
        var out = new ArrayList<List<String>>();
        for (var row : rows) {
            var some = new ArrayList<String>();
            for (var i = 0; i < row.size(); i++) {
                if (!headings.contains(all.get(i))) {
                    some.add(row.get(i));
                }
            }
            out.add(some);
        }
        return out;
    }

    private static int[] widths(List<List<String>> rows) {
        var widths = new int[rows.getFirst().size()];
        for (var row : rows) {
            for (var i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], Text.width(row.get(i)));
            }
        }
        return widths;
    }

    private static int least(String heading, int least) {
        return Math.max(least, heading.length());
    }

    /** Takes from the widest column, one at a time; false, and nothing taken, if it cannot be made to fit. */
    private static boolean fit(int[] widths, List<String> headings, int leastWidth, int screen, int gap) {
        var least = headings.stream()
                .mapToInt(heading -> least(heading, leastWidth))
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

    /**
     * A path differs from others mostly at its end, which gets two thirds of the room, and a name with dots, such as a
     * runtime's, only there. Any other word loses its middle, and only a sentence its end.
     */
    private static String cut(String cell, int width) {
        var all = Text.width(cell);
        if (all <= width) {
            return cell;
        }
        var room = width - 1;
        var tail = cell.indexOf('/') >= 0
                ? room * 2 / 3
                : cell.indexOf(' ') >= 0 ? 0 : DOTTED.matcher(cell).matches() ? room : room / 2;
        return cell.substring(0, cell.offsetByCodePoints(0, width - 1 - tail))
                + CUT
                + cell.substring(cell.offsetByCodePoints(0, all - tail));
    }
}
