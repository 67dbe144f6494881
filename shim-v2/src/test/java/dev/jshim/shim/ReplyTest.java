package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.shim.config.Protocol;
import dev.jshim.shim.config.TaskApi;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplyTest {
    private static final Path SOCKET = Path.of("/s");

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            AUTO | TTRPC | V1_6    | unix:///s
            AUTO | TTRPC | V1_7    | unix:///s
            AUTO | TTRPC | UNKNOWN | unix:///s
            AUTO | TTRPC | V2      | {"version":3,"address":"unix:///s","protocol":"ttrpc"}
            V2   | TTRPC | V2      | unix:///s
            V3   | TTRPC | UNKNOWN | {"version":3,"address":"unix:///s","protocol":"ttrpc"}
            AUTO | GRPC  | V1_7    | {"version":2,"address":"/s","protocol":"grpc"}
            V2   | GRPC  | UNKNOWN | {"version":2,"address":"/s","protocol":"grpc"}
            V3   | GRPC  | V2      | {"version":3,"address":"/s","protocol":"grpc"}
            """)
    void whatTheCallerUnderstands(TaskApi wanted, Protocol protocol, Generation caller, String text) {
        assertThat(Reply.choose(wanted, protocol, SOCKET, caller).text()).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            V1_6    | needs containerd 1.7
            V2      | considers a gRPC shim dead
            UNKNOWN | set TaskApi = 2
            """)
    void noGrpcWhereItCannotWork(Generation caller, String reason) {
        assertThatThrownBy(() -> Reply.choose(TaskApi.AUTO, Protocol.GRPC, SOCKET, caller))
                .hasMessageContaining(reason);
    }

    /** A group's shim may be older than the program that answers for it. */
    @Test
    void noMoreThanTheRunningShimServes() {
        var reply = Reply.choose(TaskApi.AUTO, Protocol.TTRPC, SOCKET, Generation.V2);

        assertThat(reply.atMost(2).text()).isEqualTo("unix:///s");
        assertThat(reply.atMost(3)).isEqualTo(reply);
    }

    /** 1.7 reads the file after a downgrade. */
    @Test
    void theAddressFileNeverHasVersion3() {
        assertThat(Reply.choose(TaskApi.AUTO, Protocol.TTRPC, SOCKET, Generation.V2)
                        .addressFile())
                .isEqualTo("unix:///s");
        assertThat(Reply.choose(TaskApi.V3, Protocol.GRPC, SOCKET, Generation.V2)
                        .addressFile())
                .isEqualTo("{\"version\":2,\"address\":\"/s\",\"protocol\":\"grpc\"}");
    }

    /**
     * 2.3 and later try protobuf first (core/runtime/v2/shim.go parseStartResponse, v2.3.4): neither text may happen to
     * be a message.
     */
    @Test
    void noTextIsAProtobufMessage() {
        for (var length = 1; length < 200; length++) {
            var socket = Path.of("/" + "a".repeat(length));
            for (var api : new TaskApi[] {TaskApi.V2, TaskApi.V3}) {
                for (var protocol : Protocol.values()) {
                    var text =
                            Reply.choose(api, protocol, socket, Generation.V2).text();
                    assertThatThrownBy(() -> dev.jshim.proto.v2.bootstrap.BootstrapResult.parseFrom(
                                    text.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                            .as(text)
                            .isInstanceOf(com.google.protobuf.InvalidProtocolBufferException.class);
                }
            }
        }
    }
}
