package dev.jshim.it;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import com.google.protobuf.Timestamp;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a shim answers to each of a series of calls, put so that two shims can be compared: the code of a failure, or
 * the answer without its pids and times. Used by one thread.
 */
final class RawTalk {
    private static final Duration ENOUGH = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration LONGER = Duration.ofSeconds(5);

    /** Go's zero time, as its messages have it. */
    private static final long YEAR_ONE = -62_135_596_800L;

    private final RawShim shim;
    private final Map<String, String> answers = new LinkedHashMap<>();
    private final Set<String> methods = new TreeSet<>();

    RawTalk(RawShim shim) {
        this.shim = shim;
    }

    /**
     * Calls and notes the answer.
     *
     * @param when the state it is called in; with the method's name it is a name that no other call has
     * @return the answer as noted
     */
    <Q extends Message, R extends Message> String ask(String when, MethodDescriptor<Q, R> method, Q request) {
        return ask(when, method, request, ENOUGH);
    }

    /** The same for a call that is not expected to be answered. */
    <Q extends Message, R extends Message> String askInVain(String when, MethodDescriptor<Q, R> method, Q request) {
        return ask(when, method, request, SHORT);
    }

    /** The same where one of the two shims answers. */
    <Q extends Message, R extends Message> String askBoth(String when, MethodDescriptor<Q, R> method, Q request) {
        return ask(when, method, request, LONGER);
    }

    private <Q extends Message, R extends Message> String ask(
            String when, MethodDescriptor<Q, R> method, Q request, Duration limit) {
        String name = when + ": " + method.getBareMethodName();
        methods.add(String.valueOf(method.getBareMethodName()));
        String answer;
        try {
            answer = masked(shim.call(method, request, limit));
        } catch (StatusRuntimeException e) {
            answer = e.getStatus().getCode().toString();
            if (answer.equals("DEADLINE_EXCEEDED") && limit.equals(ENOUGH)) {
                throw new IllegalStateException("not answered: " + name, e);
            }
        }
        note(name, answer);
        return answer;
    }

    void note(String name, String answer) {
        if (answers.put(name, answer) != null) {
            throw new IllegalStateException("twice: " + name);
        }
    }

    /** Everything so far, in the order of the calls. */
    Map<String, String> answers() {
        return Collections.unmodifiableMap(answers);
    }

    /** The methods that were called so far. */
    Set<String> methods() {
        return Collections.unmodifiableSet(methods);
    }

    private String masked(Message answer) {
        var builder = answer.toBuilder();
        answer.getAllFields().forEach((field, value) -> {
            if (field.getName().endsWith("pid")) {
                builder.setField(field, 1);
            } else if (value instanceof Any any && field.getName().equals("stats")) {
                builder.setField(
                        field, any.toBuilder().setValue(ByteString.EMPTY).build());
            } else if (value instanceof Timestamp time) {
                builder.setField(field, masked(time));
            } else if (value instanceof List<?> processes) {
                // In the order of their pids, which begin again now and then.
                builder.setField(
                        field,
                        processes.stream()
                                .map(each -> withoutPid((Message) each))
                                .sorted(Comparator.comparing(Message::toString))
                                .toList());
            }
        });
        return ("OK " + TextFormat.printer().emittingSingleLine(true).printToString(builder))
                .replace(shim.namespace(), "NAMESPACE")
                .strip();
    }

    private static Message withoutPid(Message process) {
        var pid = process.getDescriptorForType().findFieldByName("pid");
        return process.toBuilder().setField(pid, 1).build();
    }

    /** A time after 2000 is 1, that of Go's zero is 2, any other stays. */
    private static Timestamp masked(Timestamp time) {
        var second = time.getSeconds() > 946_684_800L ? 1 : time.getSeconds() == YEAR_ONE ? 2 : time.getSeconds();
        return Timestamp.newBuilder().setSeconds(second).build();
    }
}
