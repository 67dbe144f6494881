package dev.jshim.it.vm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A test that has a machine to itself, whose programs and units it exchanges; elsewhere it is skipped, whoever runs it.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("vm")
@ExtendWith(InGuest.Condition.class)
@interface InGuest {
    /** Looks for the disk that only the guest has. */
    final class Condition implements ExecutionCondition {
        private static final Path PAYLOAD = Path.of("/vm/cache-path");

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return Files.exists(PAYLOAD)
                    ? ConditionEvaluationResult.enabled("in the guest")
                    : ConditionEvaluationResult.disabled("needs a machine of its own: ./dev vm");
        }
    }
}
