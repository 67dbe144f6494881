package dev.jshim.it;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What one run of a daemon publishes, as {@code ctr events} prints it. Safe for use by several threads; ends with the
 * daemon.
 */
public final class EventLog implements AutoCloseable {
    private static final Duration PROBE = Duration.ofMillis(200);

    /**
     * One event.
     *
     * @param namespace its containerd namespace
     * @param topic for example {@code /tasks/exit}
     * @param body its fields as ctr writes them
     */
    public record Event(String namespace, String topic, JsonObject body) {

        /** A text field, empty if absent. */
        public String text(String field) {
            return body.has(field) ? body.get(field).getAsString() : "";
        }

        /** A number field, 0 if absent. */
        public long number(String field) {
            return body.has(field) ? body.get(field).getAsLong() : 0;
        }

        @Override
        public String toString() {
            return topic + " " + body;
        }
    }

    private final Process process;
    private final List<Event> events = new ArrayList<>();

    private EventLog(Process process) {
        this.process = process;
        Thread.ofVirtual().name("event-log").start(this::read);
    }

    /** Subscribes, and returns when the subscription is known to work. */
    public static EventLog open(PrivateContainerd node) {
        return node.attach(of(node.command(node.namespace()), node.namespace()));
    }

    /** The same by a command line of ctr, without a command of its own, for a daemon that is no test's own. */
    public static EventLog of(List<String> ctr, String namespace) {
        ProcessBuilder builder = new ProcessBuilder(with(ctr, "events"));
        builder.environment().clear();
        builder.environment().putAll(Run.environment(List.of()));
        try {
            EventLog log = new EventLog(builder.redirectErrorStream(true)
                    .redirectInput(ProcessBuilder.Redirect.PIPE)
                    .start());
            log.probe(ctr, namespace);
            return log;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Labels the namespace until the event of that is seen: only then nothing later is missed. */
    private void probe(List<String> ctr, String namespace) {
        for (int round = 0; round < 50; round++) {
            Run.of(with(ctr, "namespaces", "label", namespace, "probe=" + round))
                    .run()
                    .ok();
            if (Wait.within(PROBE, () -> !all().isEmpty())) {
                return;
            }
        }
        close();
        throw new IllegalStateException("ctr events shows nothing");
    }

    private static List<String> with(List<String> ctr, String... words) {
        return Stream.concat(ctr.stream(), Stream.of(words)).toList();
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", 7);
                if (words.length == 7 && words[5].startsWith("/")) {
                    JsonObject body = JsonParser.parseString(words[6]).getAsJsonObject();
                    synchronized (events) {
                        events.add(new Event(words[4], words[5], body));
                    }
                }
            }
        } catch (IOException e) {
            // The daemon has gone, and the subscription with it.
        }
    }

    /** Every event so far, in the order of their arrival. */
    public List<Event> all() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    /** The events of tasks of one container so far. */
    public List<Event> of(String id) {
        return all().stream()
                .filter(event -> event.topic().startsWith("/tasks/")
                        && event.text("container_id").equals(id))
                .toList();
    }

    /** The topics of one container's events so far. */
    public List<String> topics(String id) {
        return of(id).stream().map(Event::topic).toList();
    }

    /** Waits for the end of the process with that id (the container's own for its init) in a container. */
    public Event exit(String id, String processId) {
        return Wait.forValue(
                () -> "exit of " + id + "/" + processId + " in " + all(),
                () -> exits(id, processId).stream().findFirst().orElse(null));
    }

    /** Waits until no event of any kind has come for that long, at most a minute in all. */
    public void quiet(Duration silence) {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        int seen = -1;
        while (seen != all().size()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("events keep coming: " + all());
            }
            seen = all().size();
            Wait.pause(silence);
        }
    }

    /** The exits so far of one process. */
    public List<Event> exits(String id, String processId) {
        return of(id).stream()
                .filter(event ->
                        event.topic().equals("/tasks/exit") && event.text("id").equals(processId))
                .toList();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
