package dev.jshim.ctl;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** As much of JSON Schema as docs/jshimctl.schema.json uses; a word that it does not know is an error. */
final class SchemaCheck {
    private final JsonObject definitions;
    private final List<String> errors = new ArrayList<>();

    private SchemaCheck(JsonObject definitions) {
        this.definitions = definitions;
    }

    /** What is wrong with a text, by the definition of that name. */
    static List<String> errors(String definition, String json) throws IOException {
        var schema = JsonParser.parseString(Files.readString(Path.of("../docs/jshimctl.schema.json")))
                .getAsJsonObject();
        var check = new SchemaCheck(schema.getAsJsonObject("$defs"));
        check.value(definition, check.definitions.getAsJsonObject(definition), JsonParser.parseString(json));
        return check.errors;
    }

    private void value(String at, JsonObject schema, JsonElement value) {
        for (var word : schema.keySet()) {
            switch (word) {
                case "$ref" -> {
                    var name = schema.get(word).getAsString().substring("#/$defs/".length());
                    value(at, definitions.getAsJsonObject(name), value);
                }
                case "enum" -> require(at, schema.getAsJsonArray(word).contains(value), value + " is not in the enum");
                case "type" -> require(at, isOfType(schema.get(word), value), value + " is not " + schema.get(word));
                case "anyOf" -> anyOf(at, schema.getAsJsonArray(word), value);
                case "items" -> items(at, schema.getAsJsonObject(word), value);
                case "properties" -> properties(at, schema.getAsJsonObject(word), value);
                case "required", "additionalProperties" -> {} // all are, and none may
                default -> errors.add(at + ": the schema says " + word);
            }
        }
    }

    private void require(String at, boolean good, String otherwise) {
        if (!good) {
            errors.add(at + ": " + otherwise);
        }
    }

    private void items(String at, JsonObject schema, JsonElement value) {
        if (value instanceof JsonArray array) {
            array.forEach(each -> value(at + "[]", schema, each));
        }
    }

    private void properties(String at, JsonObject schema, JsonElement value) {
        if (value instanceof JsonObject object) {
            require(at, schema.keySet().equals(object.keySet()), object.keySet() + " are not " + schema.keySet());
            for (var name : object.keySet()) {
                if (schema.has(name)) {
                    value(at + "." + name, schema.getAsJsonObject(name), object.get(name));
                }
            }
        }
    }

    private void anyOf(String at, JsonArray schemas, JsonElement value) {
        var all = new ArrayList<String>();
        for (var schema : schemas) {
            var check = new SchemaCheck(definitions);
            check.value(at, schema.getAsJsonObject(), value);
            if (check.errors.isEmpty()) {
                return;
            }
            all.addAll(check.errors);
        }
        errors.addAll(all);
    }

    private static boolean isOfType(JsonElement types, JsonElement value) {
        if (types instanceof JsonArray several) {
            return several.asList().stream().anyMatch(type -> isOfType(type, value));
        }
        return switch (types.getAsString()) {
            case "null" -> value.isJsonNull();
            case "object" -> value.isJsonObject();
            case "array" -> value.isJsonArray();
            case "string" ->
                value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
            case "boolean" ->
                value.isJsonPrimitive() && value.getAsJsonPrimitive().isBoolean();
            case "integer" ->
                value.isJsonPrimitive()
                        && value.getAsJsonPrimitive().isNumber()
                        && !value.getAsString().contains(".");
            default -> value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber();
        };
    }
}
