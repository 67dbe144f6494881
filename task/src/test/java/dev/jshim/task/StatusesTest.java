package dev.jshim.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StatusesTest {
    @ParameterizedTest
    @EnumSource(ShimException.Kind.class)
    void eachKindIsACodeAndBack(ShimException.Kind kind) {
        var status = Statuses.of(new ShimException(kind, "why"));
        assertThat(status.getCode().name()).isEqualTo(kind.name());
        assertThat(status.getDescription()).isEqualTo("why");
        assertThat(Statuses.exception(status).kind()).isEqualTo(kind);
        assertThat(Statuses.exception(status)).hasMessage("why");
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {"CANCELLED", "PERMISSION_DENIED", "ABORTED", "OUT_OF_RANGE", "DATA_LOSS"})
    void codesWithoutAKindAreUnknown(Status.Code code) {
        var failure = Statuses.exception(code.toStatus());
        assertThat(failure.kind()).isEqualTo(ShimException.Kind.UNKNOWN);
        assertThat(failure).hasMessage(code.name());
    }

    @Test
    void whatHasAStatusKeepsIt() {
        var status = Status.DATA_LOSS.withDescription("lost");
        assertThat(Statuses.of(status.asRuntimeException())).isSameAs(status);
        assertThat(Statuses.of(status.asException())).isSameAs(status);
        assertThat(Statuses.of(new IllegalStateException("odd")).getCode()).isEqualTo(Status.Code.UNKNOWN);
        assertThat(Statuses.of(new IllegalStateException("odd")).getDescription())
                .contains("odd");
    }
}
