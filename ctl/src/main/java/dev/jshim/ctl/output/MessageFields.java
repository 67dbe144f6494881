package dev.jshim.ctl.output;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Any message as {@link Fields}: the names as in its JSON form, numbers as numbers, times as ISO 8601. */
public final class MessageFields {
    private MessageFields() {}

    /** The fields that are set; a message that has none is empty. */
    public static Fields of(Message message) {
        var out = new Fields();
        message.getAllFields().forEach((field, value) -> out.with(field.getJsonName(), value(field, value)));
        return out;
    }

    /** The same, and numbers that are 0: of an exit, that is its code. */
    public static Fields withNumbers(Message message) {
        var out = new Fields();
        for (var field : message.getDescriptorForType().getFields()) {
            var isNumber = !field.isRepeated() && field.getJavaType() == FieldDescriptor.JavaType.INT;
            if (isNumber || (field.isRepeated() ? message.getRepeatedFieldCount(field) > 0 : message.hasField(field))) {
                out.with(field.getJsonName(), value(field, message.getField(field)));
            }
        }
        return out;
    }

    private static @Nullable Object value(FieldDescriptor field, Object value) {
        if (field.isRepeated() && value instanceof List<?> list) {
            return list.stream().map(MessageFields::one).toList();
        }
        return one(value);
    }

    private static Object one(Object value) {
        return switch (value) {
            case Timestamp time -> time(time);
            case Message message -> of(message);
            case ByteString bytes -> bytes.size() + " bytes";
            case Number number -> number;
            case Boolean bool -> bool;
            default -> value.toString();
        };
    }

    private static String time(Timestamp time) {
        try {
            return Instant.ofEpochSecond(time.getSeconds(), time.getNanos()).toString();
        } catch (DateTimeException e) {
            return time.getSeconds() + " s";
        }
    }
}
