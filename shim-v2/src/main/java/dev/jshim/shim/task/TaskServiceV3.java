package dev.jshim.shim.task;

import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;

/**
 * Task API version 3 out of the service for version 2: the messages of both are the same on the wire, field by field,
 * and only the service's name differs (containerd api/runtime/task, v2.1.4).
 */
public final class TaskServiceV3 {
    private static final String NAME = "containerd.task.v3.Task";

    private TaskServiceV3() {}

    public static ServerServiceDefinition of(TaskService service) {
        var v2 = service.bindService();
        var v3 = ServerServiceDefinition.builder(NAME);
        for (var method : v2.getMethods()) {
            v3.addMethod(renamed(method));
        }
        return v3.build();
    }

    private static <Q, R> ServerMethodDefinition<Q, R> renamed(ServerMethodDefinition<Q, R> method) {
        var descriptor = method.getMethodDescriptor();
        var name = MethodDescriptor.generateFullMethodName(NAME, descriptor.getBareMethodName());
        return ServerMethodDefinition.create(
                descriptor.toBuilder().setFullMethodName(name).build(), method.getServerCallHandler());
    }
}
