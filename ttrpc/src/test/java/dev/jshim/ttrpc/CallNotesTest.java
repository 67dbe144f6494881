package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Context;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls on a connection whose server dies, and is followed by another one. */
@Timeout(60)
class CallNotesTest {
    @TempDir
    Path folder;

    private final KeptWire wire = new KeptWire(1 << 20);
    private final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();

    /** Whether the calls are such as only wait. */
    private volatile boolean waits;

    /** Whether they are such as only read what is at hand; the number that they are answered with then. */
    private volatile boolean isQuick;

    private volatile int atHand;
    private final List<String> readers = Collections.synchronizedList(new ArrayList<>());

    private record Call(int number, boolean isRepeated, Context context, StreamObserver<byte[]> answers) {
        void answer(int number) {
            answers.onNext(RawService.number(number));
            answers.onCompleted();
        }
    }

    private static int numberIn(byte[] request) {
        return request.length < Integer.BYTES ? 0 : RawService.number(request);
    }

    private Path file() {
        return folder.resolve("calls");
    }

    /** Serves the connection, in the place of a server that has died. */
    private TtrpcServer serve() throws IOException {
        wire.diesAfter(Integer.MAX_VALUE);
        var server = TtrpcServer.builder()
                .addService(ServerServiceDefinition.builder(RawMethods.SERVICE)
                        .addMethod(RawService.ECHO, ServerCalls.asyncUnaryCall((request, answers) -> {
                            var call =
                                    new Call(numberIn(request), TtrpcServer.isRepeated(), Context.current(), answers);
                            if (isQuick) {
                                readers.add(Thread.currentThread().getName());
                                call.answer(atHand);
                            } else {
                                calls.add(call);
                            }
                        }))
                        .build())
                .waiting(method -> waits)
                .quick(method -> isQuick)
                .build();
        server.serve(wire.served(), CallNotes.open(file()));
        return server;
    }

    private void request(int id, byte[] payload) throws IOException {
        wire.arrives(new Request(RawMethods.SERVICE, "Echo", Payload.of(payload), 0, List.of()).frame(id, (byte) 0));
    }

    private Call call() throws InterruptedException {
        var call = calls.poll(20, TimeUnit.SECONDS);
        assertThat(call).as("a call came").isNotNull();
        return call;
    }

    /** The stream ids and numbers of the answers, once there are so many. */
    private List<String> answers(int count) throws Exception {
        var end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            List<String> all = new ArrayList<>();
            var reader = new FrameReader(Channels.newChannel(new ByteArrayInputStream(wire.written())));
            for (var frame = reader.next(); frame != null; frame = reader.next()) {
                var response = Response.decode(frame.data());
                var status = response.status();
                all.add(frame.streamId() + " "
                        + (status == null ? RawService.number(response.payload().copy()) : status.message()));
            }
            if (all.size() >= count || System.nanoTime() > end) {
                return all;
            }
            Thread.sleep(5);
        }
    }

    @Test
    void aCallUnderWayIsMadeAgainAndSaysSo() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        request(3, RawService.number(8));
        var first = call();
        var second = call();
        assertThat(first.isRepeated()).isFalse();
        var other = first.number() == 8 ? first : second;
        other.answer(80);
        assertThat(answers(1)).containsExactly("3 80");
        awaitSent(3);
        wire.diesAfter(0);

        var _ = serve();
        var again = call();
        assertThat(again.isRepeated()).isTrue();
        assertThat(again.number()).isEqualTo(7);
        again.answer(70);
        request(5, RawService.number(9));
        var fresh = call();
        assertThat(fresh.isRepeated()).isFalse();
        fresh.answer(90);
        assertThat(answers(3)).containsExactly("3 80", "1 70", "5 90");
        assertThat(calls).isEmpty();
    }

    @Test
    void whatOnlyReadsIsAnsweredByTheReaderAndReadAgain() throws Exception {
        isQuick = true;
        atHand = 70;
        var _ = serve();
        request(1, RawService.number(0));
        assertThat(answers(1)).containsExactly("1 70");
        awaitSent(1);
        request(3, RawService.number(0));
        assertThat(answers(2)).containsExactly("1 70", "3 70");
        assertThat(readers).hasSize(2).allMatch(name -> name.startsWith("ttrpc-conn-"));
        assertThat(Files.readString(file(), StandardCharsets.ISO_8859_1)).doesNotContain("A\0\0");
        wire.diesAfter(1); // before it has answered
        request(5, RawService.number(0));
        wire.awaitDeadWriter();

        atHand = 80;
        var _ = serve();
        assertThat(answers(3)).containsExactly("1 70", "3 70", "5 80");
    }

    /** A client that closes the connection after the answer to a Delete fails what is not answered by then. */
    @Test
    void aCallThatIsToBeAnsweredLastWaitsForThoseThatAreMadeAgain() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var _ = call();
        wire.diesAfter(0);

        var _ = serve();
        var again = call();
        again.context().run(() -> TtrpcServer.awaitRepeated(Duration.ofSeconds(60))); // not for itself
        request(3, RawService.number(8));
        var last = call();
        var waiter =
                Thread.startVirtualThread(last.context().wrap(() -> TtrpcServer.awaitRepeated(Duration.ofSeconds(60))));
        assertThat(waiter.join(Duration.ofMillis(100))).isFalse();
        last.context().run(() -> TtrpcServer.awaitRepeated(Duration.ofMillis(1)));
        again.answer(70);
        assertThat(waiter.join(Duration.ofSeconds(20))).isTrue();
        TtrpcServer.awaitRepeated(Duration.ofSeconds(60));
    }

    /** The note that an answer was sent comes just after the answer. */
    private void awaitSent(int id) throws Exception {
        var end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (System.nanoTime() < end) {
            var known = CallNotes.parse(Files.readAllBytes(file()));
            if (known.answers().isEmpty()
                    && known.calls().stream().noneMatch(call -> call.frame().streamId() == id)) {
                return;
            }
            Thread.sleep(5);
        }
        throw new AssertionError("the answer is not noted as sent");
    }

    /** As one for which there is not enough memory. */
    @Test
    void aCallThatKillsWhoeverBeginsItIsNotBegunForEver() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        assertThat(call().isRepeated()).isFalse();
        for (var died = 1; died < ServerConnection.MAX_DEATHS; died++) {
            wire.diesAfter(0);
            var _ = serve();
            assertThat(call().isRepeated()).isTrue();
        }
        // It would not be alone forever: what came since is made again.
        request(3, RawService.number(8));
        assertThat(call().number()).isEqualTo(8);
        wire.diesAfter(0);
        var _ = serve();
        assertThat(answers(1).getFirst())
                .startsWith("1 the server died " + ServerConnection.MAX_DEATHS + " times during this call");
        assertThat(call().number()).isEqualTo(8);
        awaitSent(1);
        wire.diesAfter(0);
        var _ = serve();
        assertThat(call().number()).isEqualTo(8);
        assertThat(answers(1)).hasSize(1);
        assertThat(calls).isEmpty();
    }

    @Test
    void aCallThatOnlyWaitsIsBegunByEach() throws Exception {
        waits = true;
        var _ = serve();
        request(1, RawService.number(7));
        for (var died = 0; died < 3 * ServerConnection.MAX_DEATHS; died++) {
            assertThat(call().number()).isEqualTo(7);
            wire.diesAfter(0);
            var _ = serve();
        }
        assertThat(call().number()).isEqualTo(7);
        assertThat(Files.size(file())).isLessThan(100);
    }

    /** One that comes up without beginning it, as it is killed before, is not one that died over it. */
    @Test
    void whoDidNotBeginItDoesNotCount() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var _ = call();
        for (var died = 0; died < 2 * ServerConnection.MAX_DEATHS; died++) {
            wire.diesAfter(0);
            wire.diesAfter(Integer.MAX_VALUE);
            try (var notes = CallNotes.open(file())) {
                var _ = new NotedChannel(wire.served(), notes);
            }
        }
        var _ = serve();
        assertThat(call().isRepeated()).isTrue();
    }

    @Test
    void anAnswerThatMayNotHaveBeenSentIsSentAgain() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var call = call();
        wire.diesAfter(0); // looking and writing alike
        call.answer(70);
        wire.awaitDeadWriter();
        assertThat(answers(0)).isEmpty();

        var _ = serve();
        assertThat(answers(1)).containsExactly("1 70");
        request(3, RawService.number(8));
        assertThat(call().number()).isEqualTo(8);
    }

    @Test
    void anIdIsNotUsedAgainAcrossADeath() throws Exception {
        var _ = serve();
        request(5, RawService.number(7));
        call().answer(70);
        assertThat(answers(1)).containsExactly("5 70");
        awaitSent(5);
        wire.diesAfter(0);
        var _ = serve();
        request(5, RawService.number(7));
        assertThat(answers(2).getLast()).contains("5 StreamID cannot be re-used");
    }

    @Test
    void whatACallerHasCancelledIsNotMadeAgain() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var _ = call();
        wire.arrives(Frame.empty(1, Frame.CANCEL, (byte) 0));
        request(3, RawService.number(8));
        var _ = call();
        wire.diesAfter(0);
        var _ = serve();
        assertThat(call().number()).isEqualTo(8);
        assertThat(calls).isEmpty();
    }

    /** Whether the last piece was taken off the socket is seen on the socket. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void nothingIsLostOrDoubledWhereverReadingEnds(int steps) throws Exception {
        request(1, RawService.number(7));
        var _ = serve();
        var _ = call();
        wire.diesAfter(0);
        // Look, take, look.
        wire.diesAfter(Integer.MAX_VALUE);
        try (var notes = CallNotes.open(file())) {
            var channel = new NotedChannel(wire.served(), notes);
            request(3, RawService.number(8));
            wire.diesAfter(steps);
            var buffer = ByteBuffer.allocate(1000);
            while (channel.read(buffer) >= 0) {
                request(5, RawService.number(9));
            }
        } catch (KeptWire.Death e) {
            // Here.
        }
        var _ = serve();
        List<Integer> seen = new ArrayList<>();
        for (var i = 0; i < (steps < 2 ? 2 : 3); i++) {
            seen.add(call().number());
        }
        assertThat(seen).containsExactlyInAnyOrderElementsOf(steps < 2 ? List.of(7, 8) : List.of(7, 8, 9));
    }

    @Test
    void notesStayShortHoweverLongAConnectionLives() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var waits = call();
        for (var id = 3; id < 3 + 2 * 400; id += 2) {
            request(id, new byte[1000]);
            call().answer(1);
        }
        assertThat(answers(400)).hasSize(400);
        assertThat(Files.size(file())).isLessThan(200 << 10);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
        wire.diesAfter(0);
        var _ = serve();
        assertThat(call().number()).isEqualTo(7);
        waits.answer(0); // by who is dead: nobody hears it
    }

    @Test
    void aFrameThatIsTooLongIsRefusedAndTheNextOneIsRead() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var _ = call();
        var header = ByteBuffer.allocate(Frame.HEADER_LENGTH)
                .putInt(Frame.MAX_LENGTH + 1)
                .putInt(3)
                .put(Frame.REQUEST)
                .put((byte) 0);
        wire.arrives(header.array());
        wire.arrives(new byte[Frame.MAX_LENGTH + 1]);
        assertThat(answers(1).getFirst()).startsWith("3 ");
        assertThat(Files.size(file())).isLessThan(10_000);
        request(5, RawService.number(9));
        assertThat(call().number()).isEqualTo(9);
        wire.diesAfter(0);
        var _ = serve();
        assertThat(List.of(call().number(), call().number())).containsExactlyInAnyOrder(7, 9);
    }

    @Test
    void aConnectionThatEndsLeavesNoNotes() throws Exception {
        var server = serve();
        request(1, RawService.number(7));
        call().answer(70);
        assertThat(answers(1)).hasSize(1);
        wire.ends();
        var end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (Files.exists(file()) && System.nanoTime() < end) {
            Thread.sleep(5);
        }
        assertThat(file()).doesNotExist();
        server.close();
    }

    @Test
    void aNoteThatWasCutIsNoNote() throws Exception {
        var _ = serve();
        request(1, RawService.number(7));
        var _ = call();
        wire.diesAfter(0);
        Files.write(file(), new byte[] {'R', 0, 0, 1, 0, 1, 2}, StandardOpenOption.APPEND);
        var _ = serve();
        assertThat(call().number()).isEqualTo(7);
        request(3, RawService.number(8));
        assertThat(call().number()).isEqualTo(8);
    }

    @Test
    void oneThatIsAboutToEndAnswersFirst() throws Exception {
        var server = serve();
        request(1, RawService.number(7));
        var call = call();
        assertThat(server.quiet(Duration.ofMillis(20))).isFalse();
        waits = true;
        assertThat(server.quiet(Duration.ofSeconds(20))).isTrue();
        assertThat(call.isRepeated()).isFalse();
    }
}
