package dev.jshim.bridge.serve;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.proto.v2.bridge.AdoptRequest;
import dev.jshim.proto.v2.bridge.AdoptResponse;
import dev.jshim.proto.v2.bridge.Adopted;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.proto.v2.bridge.ListRequest;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.proto.v2.bridge.ReleaseRequest;
import dev.jshim.proto.v2.bridge.ReleaseResponse;
import dev.jshim.proto.v2.bridge.ReplaceRequest;
import dev.jshim.proto.v2.bridge.ReplaceResponse;
import dev.jshim.proto.v2.bridge.StopRequest;
import dev.jshim.proto.v2.bridge.StopResponse;
import dev.jshim.task.ShimException;
import dev.jshim.task.Statuses;
import dev.jshim.task.TaskId;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;

/** Orders to the bridge, from {@code jshimctl}. */
final class BridgeControl extends BridgeGrpc.BridgeImplBase {
    private final Bridge bridge;
    private final BridgeFlags flags;

    BridgeControl(Bridge bridge, BridgeFlags flags) {
        this.bridge = bridge;
        this.flags = flags;
    }

    @Override
    public void adopt(AdoptRequest r, StreamObserver<AdoptResponse> answer) {
        answer(answer, () -> {
            AdoptedRecord record;
            try {
                record = AdoptedRecord.parse(r.getRecord());
            } catch (IllegalArgumentException e) {
                throw ShimException.invalidArgument("the record is damaged: " + e.getMessage());
            }
            return AdoptResponse.newBuilder()
                    .setSocket(bridge.adopt(record).toString())
                    .build();
        });
    }

    @Override
    public void release(ReleaseRequest r, StreamObserver<ReleaseResponse> answer) {
        answer(answer, () -> {
            bridge.release(new TaskId(r.getNamespace(), r.getId()));
            return ReleaseResponse.getDefaultInstance();
        });
    }

    @Override
    public void list(ListRequest r, StreamObserver<ListResponse> answer) {
        answer(answer, () -> {
            var response = ListResponse.newBuilder()
                    .setPid((int) ProcessHandle.current().pid())
                    .setAddress(flags.address().toString())
                    .setTtrpcAddress(flags.ttrpcAddress().toString());
            for (var container : bridge.list()) {
                response.addAdopted(Adopted.newBuilder()
                        .setNamespace(container.record().namespace())
                        .setId(container.record().id())
                        .setSocket(container.socket().toString())
                        .setInitPid(container.record().init().pid())
                        .setShimPid(container.record().shim().pid())
                        .setClients(container.clients())
                        .setTrouble(container.trouble()));
            }
            return response.build();
        });
    }

    @Override
    public void replace(ReplaceRequest r, StreamObserver<ReplaceResponse> answer) {
        answer(answer, () -> {
            if (r.getCommandCount() == 0 || !r.getCommand(0).startsWith("/")) {
                throw ShimException.invalidArgument("the command must begin with an absolute path");
            }
            bridge.replace(r.getCommandList());
            return ReplaceResponse.getDefaultInstance();
        });
    }

    @Override
    public void stop(StopRequest r, StreamObserver<StopResponse> answer) {
        answer(answer, StopResponse::getDefaultInstance);
        bridge.stop();
    }

    private static <T> void answer(StreamObserver<T> observer, Supplier<T> work) {
        T value;
        try {
            value = work.get();
        } catch (RuntimeException e) {
            observer.onError(Statuses.of(e).asRuntimeException());
            return;
        }
        observer.onNext(value);
        observer.onCompleted();
    }
}
