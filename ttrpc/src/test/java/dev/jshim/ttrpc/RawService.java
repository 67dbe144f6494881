package dev.jshim.ttrpc;

import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;

/** A service of bytes, with a method of each kind. */
final class RawService {
    static final MethodDescriptor<byte[], byte[]> ECHO = RawMethods.unary("Echo");
    /** Answers with as many zeros as the request says. */
    static final MethodDescriptor<byte[], byte[]> ZEROS = RawMethods.unary("Zeros");
    /** Answers with the numbers below the one in the request. */
    static final MethodDescriptor<byte[], byte[]> COUNT =
            RawMethods.of(MethodType.SERVER_STREAMING, RawMethods.SERVICE, "Count");
    /** Answers with the sum. */
    static final MethodDescriptor<byte[], byte[]> SUM =
            RawMethods.of(MethodType.CLIENT_STREAMING, RawMethods.SERVICE, "Sum");

    static final MethodDescriptor<byte[], byte[]> CHAT =
            RawMethods.of(MethodType.BIDI_STREAMING, RawMethods.SERVICE, "Chat");
    /** Never reads, never answers. */
    static final MethodDescriptor<byte[], byte[]> DEAF =
            RawMethods.of(MethodType.BIDI_STREAMING, RawMethods.SERVICE, "Deaf");

    final CountDownLatch deafBegan = new CountDownLatch(1);
    final CountDownLatch deafCancelled = new CountDownLatch(1);

    static byte[] number(int n) {
        return ByteBuffer.allocate(4).putInt(n).array();
    }

    static int number(byte[] bytes) {
        return ByteBuffer.wrap(bytes).getInt();
    }

    ServerServiceDefinition definition() {
        return ServerServiceDefinition.builder(RawMethods.SERVICE)
                .addMethod(ECHO, ServerCalls.asyncUnaryCall((request, answers) -> answer(answers, request)))
                .addMethod(
                        ZEROS,
                        ServerCalls.asyncUnaryCall((request, answers) -> answer(answers, new byte[number(request)])))
                .addMethod(COUNT, ServerCalls.asyncServerStreamingCall((request, answers) -> {
                    for (int i = 0; i < number(request); i++) {
                        answers.onNext(number(i));
                    }
                    answers.onCompleted();
                }))
                .addMethod(SUM, ServerCalls.asyncClientStreamingCall(Sum::new))
                .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(Chat::new))
                .addMethod(DEAF, ServerCalls.asyncBidiStreamingCall(answers -> {
                    ServerCallStreamObserver<byte[]> call = (ServerCallStreamObserver<byte[]>) answers;
                    call.disableAutoRequest();
                    call.setOnCancelHandler(deafCancelled::countDown);
                    deafBegan.countDown();
                    return new Chat(answers);
                }))
                .build();
    }

    private static void answer(StreamObserver<byte[]> answers, byte[] message) {
        answers.onNext(message);
        answers.onCompleted();
    }

    private static final class Sum implements StreamObserver<byte[]> {
        private final StreamObserver<byte[]> answers;
        private int sum;

        Sum(StreamObserver<byte[]> answers) {
            this.answers = answers;
        }

        @Override
        public void onNext(byte[] message) {
            sum += number(message);
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {
            answer(answers, number(sum));
        }
    }

    private static final class Chat implements StreamObserver<byte[]> {
        private final StreamObserver<byte[]> answers;

        Chat(StreamObserver<byte[]> answers) {
            this.answers = answers;
        }

        @Override
        public void onNext(byte[] message) {
            answers.onNext(message);
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {
            answers.onCompleted();
        }
    }
}
