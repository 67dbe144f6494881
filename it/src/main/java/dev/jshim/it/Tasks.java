package dev.jshim.it;

import java.util.ArrayList;
import java.util.List;

/**
 * What {@code ctr task ls} lists.
 *
 * @param tasks in its order; under a daemon that has both runtimes an adopted task is listed twice
 */
public record Tasks(List<Task> tasks) {

    /**
     * One line.
     *
     * @param id the container's id
     * @param pid the init process, 0 if the shim does not know
     * @param status RUNNING, STOPPED, PAUSED, CREATED or UNKNOWN
     */
    public record Task(String id, long pid, String status) {}

    public Tasks {
        tasks = List.copyOf(tasks);
    }

    /** Asks the running daemon. */
    public static Tasks of(PrivateContainerd node) {
        return parse(node.ctr("task", "ls").ok().out());
    }

    /** Reads what it has printed. */
    public static Tasks parse(String output) {
        List<Task> tasks = new ArrayList<>();
        output.lines().skip(1).forEach(line -> {
            String[] words = line.strip().split("\\s+", -1);
            if (words.length != 3) {
                throw new IllegalStateException("not a line of ctr task ls: " + line);
            }
            tasks.add(new Task(words[0], Long.parseLong(words[1]), words[2]));
        });
        return new Tasks(tasks);
    }

    /**
     * The first task with that id.
     *
     * @throws IllegalStateException if there is none
     */
    public Task get(String id) {
        return tasks.stream()
                .filter(task -> task.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no task " + id + " in " + tasks));
    }

    /** Says whether a task with that id is listed. */
    public boolean has(String id) {
        return tasks.stream().anyMatch(task -> task.id().equals(id));
    }

    /** Says whether the task is listed as RUNNING. */
    public boolean isRunning(String id) {
        return has(id) && get(id).status().equals("RUNNING");
    }

    /** Says whether the task is listed as STOPPED, and not as UNKNOWN, as where its shim did not answer in time. */
    public boolean isStopped(String id) {
        return has(id) && get(id).status().equals("STOPPED");
    }

    boolean isStoppedOrGone(String id) {
        return !has(id) || isStopped(id);
    }
}
