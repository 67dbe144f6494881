package dev.jshim.ctl.task;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.shim.Shims;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.task.Printable;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.V2Task;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "call",
        description = "Make one call of the task API to a container's shim, for tests or to find a fault.",
        footer = {
            "",
            "REQUEST has the fields of the call's message in protobuf's text format; the answer has the same.",
            "",
            "Examples:",
            "  jshimctl call web State",
            "  jshimctl call web Kill 'exec_id: \"shell\" signal: 15'",
            "  jshimctl call web Wait --timeout 10m"
        })
public final class CallCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(index = "0", paramLabel = "ID", description = TaskArgument.DESCRIPTION)
    private String id = "";

    @Parameters(index = "1", paramLabel = "CALL", description = "State, Pids, Create, ..: a call of containerd.task.v2")
    private String name = "";

    @Parameters(
            index = "2",
            arity = "0..1",
            paramLabel = "REQUEST",
            description = "all fields except the id, which jshimctl adds (default: none)")
    private String request = "";

    public CallCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var method = method();
        var bundle = cli.reader().v2Bundle(id);
        var message = message(method, bundle.task());
        switch (Shims.ask(bundle, cli.globals().timeout(), shim -> ((V2Task) shim).ask(method, message))) {
            case Answer.Answered<Message>(var response, var took) -> report(bundle, response);
            case Answer.Refused<Message>(var code, var reason) ->
                throw CliException.failed("the shim of " + bundle.task() + " answered " + code + ": " + reason, "");
            case Answer.Mute<Message>(var after) ->
                throw CliException.failed(
                        "the shim of " + bundle.task() + " did not answer within " + after.toMillis() + " ms",
                        "--timeout TIME gives it more time; \"jshimctl inspect ID\" shows whether the call took effect");
            case Answer.Absent<Message>(var reason) ->
                throw CliException.failed(bundle.task() + " has no shim that could be called: " + reason, "");
        }
        return ExitCode.OK;
    }

    @SuppressWarnings("unchecked") // Each message of the generated stubs is a Message.
    private MethodDescriptor<Message, Message> method() {
        var methods = TaskGrpc.getServiceDescriptor().getMethods();
        for (var method : methods) {
            if (String.valueOf(method.getBareMethodName()).equals(name)) {
                return (MethodDescriptor<Message, Message>) method;
            }
        }
        var names = methods.stream()
                .map(method -> String.valueOf(method.getBareMethodName()))
                .toList();
        var similar = Text.similar(name, names);
        throw CliException.usage(
                "unknown call \"" + Text.oneLine(name) + "\"",
                "it is one of " + String.join(", ", similar.isEmpty() ? names : similar));
    }

    private Message message(MethodDescriptor<Message, Message> method, TaskId task) {
        var marshaller = (MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller();
        var prototype = marshaller.getMessagePrototype();
        if (prototype == null) {
            throw new IllegalStateException(method + " has no prototype");
        }
        var builder = prototype.newBuilderForType();
        try {
            TextFormat.merge(request, builder);
        } catch (TextFormat.ParseException e) {
            throw CliException.usage(
                    "the request cannot be read: " + e.getMessage(), "its fields are " + fields(method));
        }
        var idField = builder.getDescriptorForType().findFieldByName("id");
        if (!builder.getField(idField).equals("") && !builder.getField(idField).equals(task.id())) {
            throw CliException.usage(
                    "the request names a container other than " + task, "leave the id out of the request");
        }
        return builder.setField(idField, task.id()).build();
    }

    private static List<String> fields(MethodDescriptor<Message, Message> method) {
        var supplier = (ProtoMethodDescriptorSupplier) method.getSchemaDescriptor();
        if (supplier == null) {
            throw new IllegalStateException(method + " has no descriptor");
        }
        return supplier.getMethodDescriptor().getInputType().getFields().stream()
                .map(field -> field.getName())
                .toList();
    }

    private void report(V2Bundle bundle, Message response) {
        var text = TextFormat.printer().printToString(response);
        cli.show(
                TaskFields.name(bundle.task()).with("call", name).with("response", text),
                () -> cli.out().print(Printable.text(text)));
    }
}
