package dev.jshim.ctl.output;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What kubectl calls a JSONPath template: text, and in braces what is taken from a result: {@code {.tasks[*].id}},
 * {@code {.tasks[?(@.status=="running")].pid}}, {@code {range .tasks[*]}{.id}{"\n"}{end}}. Of the language it has
 * names, indices, {@code *}, comparisons and ranges; no slices, unions and descent. Immutable.
 *
 * <p>Source: kubernetes.io/docs/reference/kubectl/jsonpath.
 */
public final class JsonPath {
    private final List<Part> parts;

    private JsonPath(List<Part> parts) {
        this.parts = parts;
    }

    private sealed interface Part {}

    private record Words(String text) implements Part {}

    private record Value(Path path) implements Part {}

    private record Range(Path over, List<Part> body) implements Part {}

    /** @param isFromRoot else from the element of the range around it */
    private record Path(boolean isFromRoot, List<Step> steps) {}

    private sealed interface Step {}

    private record Name(String name) implements Step {}

    /** @param index from the end if it is negative */
    private record Index(int index) implements Step {}

    private record Every() implements Step {}

    private record Only(Path left, String operator, Object right) implements Step {}

    /**
     * Reads a template; one without braces is a path.
     *
     * @throws IllegalArgumentException if it is not one; the message is for people
     */
    public static JsonPath parse(String template) {
        return new JsonPath(new Parser(template.indexOf('{') < 0 ? "{" + template + "}" : template).template());
    }

    /**
     * Writes what the template takes, and ends the line.
     *
     * @return the names that the template asks for and no object has
     */
    @CanIgnoreReturnValue
    public Set<String> write(PrintWriter out, Fields result) {
        var writer = new Writer(result);
        writer.write(parts, result);
        var text = writer.out.toString();
        out.print(text);
        if (!text.endsWith("\n")) {
            out.println();
        }
        return writer.missing;
    }

    private static final class Writer {
        private final Fields root;
        private final StringBuilder out = new StringBuilder();
        private final Set<String> missing = new LinkedHashSet<>();

        Writer(Fields root) {
            this.root = root;
        }

        void write(List<Part> parts, @Nullable Object here) {
            for (var part : parts) {
                switch (part) {
                    case Words(var text) -> out.append(text);
                    case Value(var path) ->
                        out.append(String.join(
                                " ", all(path, here).stream().map(Writer::text).toList()));
                    case Range(var over, var body) -> all(over, here).forEach(each -> write(body, each));
                }
            }
        }

        private List<@Nullable Object> all(Path path, @Nullable Object here) {
            List<@Nullable Object> values = new ArrayList<>();
            values.add(path.isFromRoot() ? root : here);
            for (var step : path.steps()) {
                values = next(step, values);
            }
            return values;
        }

        private List<@Nullable Object> next(Step step, List<@Nullable Object> values) {
            List<@Nullable Object> out = new ArrayList<>();
            var isKnown = values.stream().allMatch(Objects::isNull);
            for (var value : values) {
                switch (step) {
                    case Name(var name)
                    when value instanceof Fields fields -> {
                        if (fields.values().containsKey(name)) {
                            isKnown = true;
                            out.add(fields.get(name));
                        }
                    }
                    case Index(var index)
                    when value instanceof List<?> list -> {
                        var at = index < 0 ? list.size() + index : index;
                        if (at >= 0 && at < list.size()) {
                            out.add(list.get(at));
                        }
                    }
                    case Every() -> {
                        switch (value) {
                            case List<?> list -> out.addAll(list);
                            case Fields fields -> out.addAll(fields.values().values());
                            case null, default -> {}
                        }
                    }
                    case Only only
                    when value instanceof List<?> list ->
                        list.stream().filter(each -> fits(only, each)).forEach(out::add);
                    default -> {}
                }
            }
            if (step instanceof Name(var name) && !isKnown) {
                missing.add(name);
            }
            return out;
        }

        private boolean fits(Only only, @Nullable Object each) {
            return all(only.left(), each).stream().anyMatch(left -> fits(left, only.operator(), only.right()));
        }

        /** Numbers by their size; all else is only equal or not. */
        private static boolean fits(@Nullable Object left, String operator, Object right) {
            if (operator.equals("==") || operator.equals("!=")) {
                var same = right instanceof Double && left instanceof Number number ? number.doubleValue() : left;
                return right.equals(same) == operator.equals("==");
            }
            if (!(left instanceof Number x && right instanceof Double y)) {
                return false;
            }
            var order = Double.compare(x.doubleValue(), y);
            return switch (operator) {
                case "<" -> order < 0;
                case "<=" -> order <= 0;
                case ">" -> order > 0;
                default -> order >= 0;
            };
        }

        /** Objects and lists as JSON in a line; what is not known is empty. */
        private static String text(@Nullable Object value) {
            if (value == null) {
                return "";
            }
            if (value instanceof Fields || value instanceof List<?>) {
                return Json.inLine(value);
            }
            return Text.oneLine(value);
        }
    }

    private static final class Parser {
        private static final List<String> OPERATORS = List.of("==", "!=", "<=", ">=", "<", ">");

        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        List<Part> template() {
            var parts = parts();
            if (at < text.length()) {
                throw new IllegalArgumentException("{end} without a {range}");
            }
            return parts;
        }

        /** Up to the end, or up to an {end}, which is left for the caller. */
        private List<Part> parts() {
            List<Part> out = new ArrayList<>();
            while (at < text.length() && !text.startsWith("{end}", at)) {
                if (text.charAt(at) != '{') {
                    var next = text.indexOf('{', at);
                    var to = next < 0 ? text.length() : next;
                    out.add(new Words(text.substring(at, to)));
                    at = to;
                    continue;
                }
                at++;
                blanks();
                if (text.startsWith("range ", at)) {
                    at += "range ".length();
                    blanks();
                    var over = path();
                    expect('}');
                    var body = parts();
                    if (at == text.length()) {
                        throw new IllegalArgumentException("{range} without an {end}");
                    }
                    at += "{end}".length();
                    out.add(new Range(over, body));
                } else {
                    out.add(peek() == '"' || peek() == '\'' ? new Words(quoted()) : new Value(path()));
                    expect('}');
                }
            }
            return List.copyOf(out);
        }

        private Path path() {
            var isFromRoot = peek() == '$';
            if (isFromRoot || peek() == '@') {
                at++;
            }
            List<Step> steps = new ArrayList<>();
            if (Character.isLetter(peek())) {
                steps.add(new Name(name()));
            }
            while (true) {
                if (peek() == '.') {
                    at++;
                    if (peek() == '*') {
                        at++;
                        steps.add(new Every());
                    } else if (Character.isLetter(peek())) {
                        steps.add(new Name(name()));
                    } else if (!steps.isEmpty() || peek() == '.') {
                        throw unexpected();
                    }
                } else if (peek() == '[') {
                    at++;
                    steps.add(bracket());
                    expect(']');
                } else {
                    blanks();
                    return new Path(isFromRoot, List.copyOf(steps));
                }
            }
        }

        private Step bracket() {
            if (peek() == '*') {
                at++;
                return new Every();
            }
            if (peek() == '\'' || peek() == '"') {
                return new Name(quoted());
            }
            if (text.startsWith("?(", at)) {
                at += 2;
                blanks();
                var left = path();
                var operator = OPERATORS.stream()
                        .filter(each -> text.startsWith(each, at))
                        .findFirst()
                        .orElseThrow(this::unexpected);
                at += operator.length();
                blanks();
                var right = literal();
                blanks();
                expect(')');
                return new Only(left, operator, right);
            }
            try {
                return new Index(Integer.parseInt(word()));
            } catch (NumberFormatException _) {
                throw unexpected();
            }
        }

        private Object literal() {
            if (peek() == '\'' || peek() == '"') {
                return quoted();
            }
            var word = word();
            if (word.equals("true") || word.equals("false")) {
                return Boolean.valueOf(word);
            }
            try {
                return Double.valueOf(word);
            } catch (NumberFormatException _) {
                throw new IllegalArgumentException("'" + word + "' is neither a number nor in quotes");
            }
        }

        private String quoted() {
            var quote = peek();
            var out = new StringBuilder();
            at++;
            while (peek() != quote) {
                if (at >= text.length()) {
                    throw new IllegalArgumentException("a quote has no end");
                }
                var c = text.charAt(at);
                at++;
                if (c == '\\' && at < text.length()) {
                    c = text.charAt(at);
                    at++;
                    c = switch (c) {
                        case 'n' -> '\n';
                        case 't' -> '\t';
                        default -> c;
                    };
                }
                out.append(c);
            }
            at++;
            return out.toString();
        }

        private String name() {
            var from = at;
            while (Character.isLetterOrDigit(peek()) || peek() == '_' || peek() == '-') {
                at++;
            }
            return text.substring(from, at);
        }

        /** Of a number or of a boolean. */
        private String word() {
            var from = at;
            while (Character.isLetterOrDigit(peek()) || "+-.".indexOf(peek()) >= 0) {
                at++;
            }
            return text.substring(from, at);
        }

        private void blanks() {
            while (peek() == ' ') {
                at++;
            }
        }

        private void expect(char c) {
            if (peek() != c) {
                throw unexpected();
            }
            at++;
        }

        /** 0 at the end. */
        private char peek() {
            return at < text.length() ? text.charAt(at) : 0;
        }

        private IllegalArgumentException unexpected() {
            return new IllegalArgumentException(
                    at >= text.length()
                            ? "a brace or a bracket has no end"
                            : "cannot read '" + text.substring(at) + "'");
        }
    }
}
