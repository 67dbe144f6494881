package dev.jshim.shim.cgroup;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code ctr task metrics --format json} prints: Go's own JSON, which leaves out what is zero or unset. */
record GoMetrics(JsonObject json) {

    static GoMetrics parse(String text) {
        return new GoMetrics(JsonParser.parseString(text).getAsJsonObject());
    }

    /** One line for each field in which a message differs from what was printed; messages also by being set or not. */
    List<String> differences(Message message) {
        var differences = new ArrayList<String>();
        compare("", json, message, differences);
        return differences;
    }

    private static void compare(String path, JsonObject go, Message ours, List<String> differences) {
        var unknown = new HashSet<>(go.keySet());
        for (var field : ours.getDescriptorForType().getFields()) {
            unknown.remove(field.getName());
            var name = path + "/" + field.getName();
            var printed = go.get(field.getName());
            if (field.isRepeated()) {
                compareAll(
                        name, printed == null ? new JsonArray() : printed.getAsJsonArray(), field, ours, differences);
            } else if (field.getJavaType() != JavaType.MESSAGE) {
                compareValue(name, printed, field, ours.getField(field), differences);
            } else if (ours.hasField(field) != (printed != null)) {
                differences.add(name + ": go " + printed + ", ours " + ours.getField(field));
            } else if (printed != null) {
                compare(name, printed.getAsJsonObject(), (Message) ours.getField(field), differences);
            }
        }
        unknown.forEach(key -> differences.add(path + "/" + key + ": only go has it"));
    }

    private static void compareAll(
            String name, JsonArray go, FieldDescriptor field, Message ours, List<String> differences) {
        var count = ours.getRepeatedFieldCount(field);
        if (go.size() != count) {
            differences.add(name + ": go has " + go.size() + ", ours " + count);
            return;
        }
        for (var i = 0; i < count; i++) {
            var value = ours.getRepeatedField(field, i);
            if (value instanceof Message message) {
                compare(name + "/" + i, go.get(i).getAsJsonObject(), message, differences);
            } else {
                compareValue(name + "/" + i, go.get(i), field, value, differences);
            }
        }
    }

    private static void compareValue(
            String name, @Nullable JsonElement go, FieldDescriptor field, Object ours, List<String> differences) {
        var isText = field.getJavaType() == JavaType.STRING;
        var printed = go == null ? new JsonPrimitive(isText ? "" : "0") : go;
        var text = ours instanceof Long number ? Long.toUnsignedString(number) : ours.toString();
        if (!printed.getAsString().equals(text)) {
            differences.add(name + ": go " + go + ", ours " + text);
        }
    }
}
