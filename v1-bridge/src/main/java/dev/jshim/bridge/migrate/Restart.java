package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.OpenFiles;
import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.ContainerdVersion;
import dev.jshim.node.daemon.RootDaemon;
import dev.jshim.node.survey.Node;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Migrations that stop and start containerd too. The whole change in one go: adopt, stop, adopt what is new, exchange
 * containerd, start it, verify; and all of it back when something on the way does not go well. And the rescue of what
 * was lost. Each step can be repeated, so an interrupted run is simply run again.
 */
record Restart(Migration migration, RestartCommands commands, RootDaemon daemon, Progress progress) {
    /** The directory, beside the journal, for CRI's status files as they were. */
    static final String BACKUPS = "cri-status";

    private static final int STEPS = 6;
    private static final int RESCUE_STEPS = 4;
    private static final Duration DAEMON = Duration.ofSeconds(90);
    /** A good change must not be taken back because a node with hundreds of containers is busy after its restart. */
    private static final Duration LOADED = Duration.ofSeconds(30);

    private static final Duration PAUSE = Duration.ofMillis(200);

    /**
     * Does it.
     *
     * @throws MigrationException where it could not be done; its message says whether all is as it was before
     */
    Report run() throws MigrationException {
        progress.step(1, STEPS, "adopt what runs");
        var first = migration.apply(null, false);
        if (!first.complete()) {
            // Under 2.x a refused one would be lost: the operator decides about it first. Nothing was stopped.
            return new Report(
                    first.rows(),
                    List.of("Fix what was refused, and run this command again: nothing was stopped."),
                    false);
        }
        try {
            progress.step(2, STEPS, "stop containerd");
            stop();
            progress.step(3, STEPS, "adopt what was started meanwhile");
            var second = migration.apply(null, false);
            if (!second.complete()) {
                throw new IOException("not every container can be adopted: " + refusals(second));
            }
            progress.step(4, STEPS, "exchange containerd");
            run(commands.change());
            progress.step(5, STEPS, "start containerd, and verify");
            start(Set.of());
            progress.step(6, STEPS, "done");
            return new Report(
                    second.rows(), List.of("To go back: stop containerd, run rollback, start the old one."), true);
        } catch (IOException e) {
            throw back(e);
        }
    }

    /** Stops containerd and waits until it has. Whoever is killed from here on can say nothing any more. */
    private void stop() throws IOException {
        progress.line(
                "if this command is interrupted from here on, containerd may stay stopped: run the same command again");
        run(commands.stop());
        await("containerd has stopped", version -> version instanceof Answer.Absent);
    }

    /**
     * Starts containerd, waits until a 2.x answers, and verifies that it has all containers.
     *
     * @param but those that it cannot have any more
     */
    private void start(Set<TaskId> but) throws IOException {
        run(commands.start());
        await("containerd 2.x answers", version -> major(version) >= 2);
        verify(but);
    }

    /** Whether no daemon is there. */
    private boolean isStopped() {
        try {
            return daemon.find().version() instanceof Answer.Absent;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Brings back what a containerd 2.x has lost, once it is known what can come back.
     *
     * @param plan what {@link Migration#rescuePlan} says
     * @param backups the directory for CRI's status files as they were
     * @throws MigrationException where it does not come to its end; its message says how things stand
     */
    Report rescue(Report plan, NodePaths paths, Path backups) throws MigrationException {
        List<Report.Row> rows = plan.rows().stream()
                .filter(row -> row.result().equals(RescueSurvey.BEYOND))
                .toList();
        var beyond = rows.stream().map(Report.Row::task).collect(Collectors.toSet());
        try {
            progress.step(1, RESCUE_STEPS, "stop containerd");
            stop();
            progress.step(2, RESCUE_STEPS, "adopt what it has lost");
            var report = migration.apply(null, false, beyond);
            FaultPoint.at("rescue-adopted");
            progress.step(3, RESCUE_STEPS, "repair what CRI has on record");
            repair(paths, backups);
            FaultPoint.at("rescue-repaired");
            progress.step(4, RESCUE_STEPS, "start containerd, and verify");
            start(beyond);
            List<Report.Row> all = new ArrayList<>(report.rows());
            all.addAll(rows);
            return new Report(all, List.of(), report.complete() && beyond.isEmpty());
        } catch (IOException e) {
            throw new MigrationException(
                    Preflight.reason(e) + "; adopted containers stay adopted"
                            + (isStopped()
                                    ? ", and containerd is stopped: fix that and run rescue again, which starts it,"
                                            + " or rollback"
                                    : ": fix that and run rescue again, or rollback"),
                    e);
        }
    }

    /** Of one that has exited, too: containerd takes the exit code from the task then. */
    private void repair(NodePaths paths, Path backups) throws IOException {
        for (var bundle : AdoptedBundle.all(Node.read(paths))) {
            var id = bundle.task().id();
            var status = CriStatus.of(paths.root(), id);
            if (status.isExited()) {
                status.repair(backups.resolve(id));
                progress.line("repaired " + status.file());
            }
        }
    }

    private static String refusals(Report report) {
        return String.join(
                "; ",
                report.rows().stream()
                        .filter(Report.Row::isRefused)
                        .map(row -> row.task() + ": " + row.reason())
                        .toList());
    }

    private MigrationException back(IOException why) {
        progress.line("FAILED: " + why.getMessage());
        List<String> undone = new ArrayList<>();
        try {
            progress.line("going back");
            stop();
            var report = migration.rollback(false);
            if (!report.complete()) {
                throw new IOException("rollback is not complete: " + refusals(report));
            }
            undone.add("the adoption was rolled back");
            run(commands.undo());
            undone.add("the old containerd is in its place");
            run(commands.start());
            await("the old containerd answers", version -> major(version) == 1);
            return new MigrationException(
                    why.getMessage() + "; everything is as it was before: the old containerd runs", why);
        } catch (IOException e) {
            why.addSuppressed(e);
            return new MigrationException(
                    why.getMessage() + "; and going back failed too: " + e.getMessage()
                            + (undone.isEmpty() ? "" : " (done: " + String.join(", ", undone) + ")")
                            + "; the containers keep running. Before you start containerd 2.x run apply, before you start the"
                            + " old one run rollback",
                    why);
        }
    }

    /**
     * Runs a command line of the operator's to its end, and passes on what it says. What it leaves running may go on
     * writing: its output is a file, which nobody has to read and whose end nobody waits for.
     */
    private void run(String line) throws IOException {
        progress.line("$ " + line);
        var file = Files.createTempFile("jshim-command", ".log");
        try (var said = Files.newInputStream(file)) {
            var builder = new ProcessBuilder("/bin/sh", "-c", line)
                    .redirectErrorStream(true)
                    .redirectOutput(file.toFile());
            // What tests put on our own JVM is not for those of the command.
            builder.environment().remove("JSHIM_JAVA_OPTS");
            var process = OpenFiles.start(builder);
            process.getOutputStream().close();
            var rest = "";
            for (var hasEnded = false; !hasEnded; Deadline.pause(PAUSE)) {
                hasEnded = !process.isAlive();
                var text = rest + new String(said.readAllBytes(), StandardCharsets.UTF_8);
                var end = hasEnded ? text.length() : text.lastIndexOf('\n') + 1;
                text.substring(0, end).lines().forEach(word -> progress.line("| " + word));
                rest = text.substring(end);
            }
            if (process.exitValue() != 0) {
                throw new IOException("'" + line + "' exited with " + process.exitValue());
            }
        } finally {
            Files.delete(file);
        }
    }

    private static int major(Answer<ContainerdVersion> answer) {
        var version = answer.orNull();
        return version == null ? 0 : version.major();
    }

    private void await(String what, Predicate<Answer<ContainerdVersion>> condition) throws IOException {
        if (!Deadline.in(DAEMON).await(PAUSE, () -> condition.test(daemon.find().version()))) {
            var found = daemon.find();
            throw new IOException("did not happen within " + DAEMON.toSeconds() + " s: " + what + " ("
                    + (found.holder().isEmpty() ? "" : found.holder() + ", ") + "on " + found.socket() + ": "
                    + found.version() + ")");
        }
    }

    private void verify(Set<TaskId> but) throws IOException {
        var deadline = Deadline.in(LOADED);
        while (true) {
            var verification = migration.verify(null);
            var wrong = new ArrayList<>(verification.nextSteps());
            verification.rows().stream()
                    .filter(row -> !row.result().equals(AdoptedSurvey.OK)
                            && !row.result().equals(AdoptedSurvey.COPIED)
                            && !but.contains(row.task()))
                    .forEach(row -> wrong.add(row.task() + ": " + row.reason()));
            if (wrong.isEmpty()) {
                return;
            }
            if (deadline.isOver()) {
                throw new IOException("containerd does not have all containers: " + String.join("; ", wrong));
            }
            Deadline.pause(PAUSE);
        }
    }
}
