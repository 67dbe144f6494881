package dev.jshim.ctl.cli;

import dev.jshim.bridge.migrate.Progress;
import dev.jshim.ctl.output.Text;
import java.util.Map;

/**
 * Shows on stderr how a migration gets on: on a terminal by a bar below what has been said, else in lines alone.
 * Closing it takes the bar away. For one thread.
 */
public final class ProgressBar implements Progress, AutoCloseable {
    /** Set by the launcher if stderr is a terminal. */
    private static final String PROPERTY = "jshim.terminal.errors";

    private static final int LENGTH = 20;
    private static final String ERASE = "\r\u001b[K";

    private final Cli cli;
    private final boolean hasBar;
    private int step;
    private int steps;
    private String what = "";
    private int done;
    private int all;
    private boolean isDrawn;

    private ProgressBar(Cli cli, boolean hasBar) {
        this.cli = cli;
        this.hasBar = hasBar;
    }

    /** For the command that runs. */
    public static ProgressBar of(Cli cli) {
        return of(cli, System.getProperty(PROPERTY, ""), System.getenv());
    }

    /**
     * As {@link #of(Cli)}.
     *
     * @param terminal empty if stderr is none
     * @param environment TERM=dumb is heeded
     */
    public static ProgressBar of(Cli cli, String terminal, Map<String, String> environment) {
        return new ProgressBar(
                cli,
                !terminal.isEmpty() && !environment.getOrDefault("TERM", "").equals("dumb"));
    }

    @Override
    public void line(String text) {
        erase();
        cli.note(text);
        draw();
    }

    @Override
    public void step(int number, int of, String name) {
        step = number;
        steps = of;
        what = name;
        done = 0;
        all = 0;
        if (hasBar) {
            draw();
        } else {
            Progress.super.step(number, of, name);
        }
    }

    @Override
    public void count(int ready, int of) {
        done = ready;
        all = of;
        draw();
    }

    @Override
    public void close() {
        erase();
        step = 0;
        all = 0;
    }

    private void draw() {
        if (hasBar && (steps > 0 || all > 0)) {
            erase();
            cli.err().print(text());
            cli.err().flush();
            isDrawn = true;
        }
    }

    private String text() {
        var part = all == 0 ? 0.0 : (double) done / all;
        var share = steps == 0 ? part : (step - 1 + part) / steps;
        var full = (int) (share * LENGTH);
        var text = new StringBuilder("[" + "#".repeat(full) + ".".repeat(LENGTH - full) + "]");
        if (steps > 0) {
            text.append(" ").append(step).append("/").append(steps).append(" ").append(Text.oneLine(what));
        }
        if (all > 0) {
            text.append(steps > 0 ? ": " : " ")
                    .append(done)
                    .append(" of ")
                    .append(all)
                    .append(" containers");
        }
        return text.toString();
    }

    private void erase() {
        if (isDrawn) {
            cli.err().print(ERASE);
            cli.err().flush();
            isDrawn = false;
        }
    }
}
