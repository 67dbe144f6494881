package dev.jshim.shim.event;

import com.google.protobuf.Message;
import dev.jshim.proto.v2.events.TaskCheckpointed;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecAdded;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.events.TaskResumed;
import dev.jshim.proto.v2.events.TaskStart;
import java.util.HashMap;
import java.util.Map;

/**
 * The topic that each event goes to, and the name of its type (containerd's docs/runtime-v2.md, "Events").
 *
 * <p>Tables, since a switch over the types is linked again in every shim, and a name out of the descriptors takes
 * reading them all, 10 ms.
 */
public final class Topic {
    /** The package of the messages, as events.proto has it; containerd registers them by this name. */
    private static final String PACKAGE = "containerd.events.";

    private static final Map<Class<? extends Message>, String> TOPICS = topics();

    private Topic() {}

    private static Map<Class<? extends Message>, String> topics() {
        var out = new HashMap<Class<? extends Message>, String>();
        out.put(TaskCreate.class, "/tasks/create");
        out.put(TaskStart.class, "/tasks/start");
        out.put(TaskExit.class, "/tasks/exit");
        out.put(TaskDelete.class, "/tasks/delete");
        out.put(TaskExecAdded.class, "/tasks/exec-added");
        out.put(TaskExecStarted.class, "/tasks/exec-started");
        out.put(TaskPaused.class, "/tasks/paused");
        out.put(TaskResumed.class, "/tasks/resumed");
        out.put(TaskCheckpointed.class, "/tasks/checkpointed");
        out.put(TaskOOM.class, "/tasks/oom");
        return out;
    }

    /** All events. */
    static Iterable<Class<? extends Message>> events() {
        return TOPICS.keySet();
    }

    public static String of(Message event) {
        var topic = TOPICS.get(event.getClass());
        if (topic == null) {
            throw new IllegalArgumentException("no topic for " + event.getClass());
        }
        return topic;
    }

    /** The full name of an event's type. */
    static String type(Class<? extends Message> event) {
        return PACKAGE + event.getSimpleName();
    }
}
