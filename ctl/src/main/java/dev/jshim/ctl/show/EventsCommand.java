package dev.jshim.ctl.show;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Json;
import dev.jshim.ctl.output.MessageFields;
import dev.jshim.ctl.output.Outline;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.daemon.ContainerdEvent;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecAdded;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.events.TaskResumed;
import dev.jshim.proto.v2.events.TaskStart;
import java.nio.file.Files;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "events",
        description = "Show the events of tasks, as containerd reports them; containerd must be up.",
        footer = {
            "",
            "Prints one line per event, with -o json one object per line, with -o yaml one document each, until Ctrl-C.",
            "Exits with 1 if containerd ends.",
            "",
            "Examples:",
            "  jshimctl events",
            "  jshimctl events -n k8s.io --count 1 -o json"
        })
public final class EventsCommand implements Callable<Integer> {
    /** More than anybody can read; what comes while it is full is counted, and said. */
    private static final int MOST_WAITING = 10_000;

    private static final Map<String, Parser<? extends Message>> TYPES = Map.of(
            "containerd.events.TaskCreate", TaskCreate.parser(),
            "containerd.events.TaskStart", TaskStart.parser(),
            "containerd.events.TaskDelete", TaskDelete.parser(),
            "containerd.events.TaskExit", TaskExit.parser(),
            "containerd.events.TaskOOM", TaskOOM.parser(),
            "containerd.events.TaskExecAdded", TaskExecAdded.parser(),
            "containerd.events.TaskExecStarted", TaskExecStarted.parser(),
            "containerd.events.TaskPaused", TaskPaused.parser(),
            "containerd.events.TaskResumed", TaskResumed.parser());

    private final Cli cli;

    @Option(names = "--count", paramLabel = "N", description = "exit after N events")
    private int count;

    public EventsCommand(Cli cli) {
        this.cli = cli;
    }

    /** An event, or the reason why there will be no more. */
    private record Word(@Nullable ContainerdEvent event, String end) {}

    @Override
    public Integer call() throws InterruptedException {
        var globals = cli.globals();
        if (!Files.exists(globals.address())) {
            throw absent("no containerd answers on " + globals.address());
        }
        var words = new LinkedBlockingQueue<Word>(MOST_WAITING);
        try (var client = new ContainerdClient(globals.address(), globals.timeout())) {
            var version = client.version();
            if (version.orNull() == null) {
                throw absent(version.describe());
            }
            try (var subscription = client.subscribe(
                    List.of("topic~=\"^/tasks/\""),
                    event -> words.offer(new Word(event, "")),
                    end -> words.offer(new Word(null, end)))) {
                return print(words, subscription);
            }
        }
    }

    private static CliException absent(String why) {
        return CliException.failed(
                "events need containerd, but " + why, "start containerd, or use \"jshimctl ls --watch\"");
    }

    private int print(LinkedBlockingQueue<Word> words, ContainerdClient.Subscription subscription)
            throws InterruptedException {
        for (var shown = 0; count == 0 || shown < count; ) {
            var word = words.take();
            var event = word.event();
            if (event == null) {
                subscription.close();
                throw CliException.failed("no more events: " + word.end(), "");
            }
            var namespace = cli.globals().namespace();
            if (namespace == null || namespace.equals(event.namespace())) {
                print(event);
                shown++;
            }
        }
        return ExitCode.OK;
    }

    private void print(ContainerdEvent event) {
        var fields = new Fields()
                .with("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString())
                .with("namespace", event.namespace())
                .with("topic", event.topic())
                .with("event", decoded(event.event()));
        switch (cli.globals().output().kind()) {
            case JSON -> Json.writeLine(cli.out(), fields);
            case YAML -> {
                cli.out().println("---");
                cli.show(fields, () -> {});
            }
            default -> cli.show(fields, () -> cli.out().println(Outline.line(fields)));
        }
        cli.out().flush();
    }

    private static @Nullable Fields decoded(Any event) {
        var url = event.getTypeUrl();
        var parser = TYPES.get(url.substring(url.lastIndexOf('/') + 1));
        try {
            return parser == null ? null : MessageFields.withNumbers(parser.parseFrom(event.getValue()));
        } catch (InvalidProtocolBufferException e) {
            return null;
        }
    }
}
