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

/** The topic that each event goes to (containerd's docs/runtime-v2.md, "Events"). */
public final class Topic {
    private Topic() {}

    public static String of(Message event) {
        return switch (event) {
            case TaskCreate _ -> "/tasks/create";
            case TaskStart _ -> "/tasks/start";
            case TaskExit _ -> "/tasks/exit";
            case TaskDelete _ -> "/tasks/delete";
            case TaskExecAdded _ -> "/tasks/exec-added";
            case TaskExecStarted _ -> "/tasks/exec-started";
            case TaskPaused _ -> "/tasks/paused";
            case TaskResumed _ -> "/tasks/resumed";
            case TaskCheckpointed _ -> "/tasks/checkpointed";
            case TaskOOM _ -> "/tasks/oom";
            default -> throw new IllegalArgumentException("no topic for " + event.getClass());
        };
    }
}
