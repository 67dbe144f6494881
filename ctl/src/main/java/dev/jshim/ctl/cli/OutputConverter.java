package dev.jshim.ctl.cli;

import dev.jshim.ctl.output.JsonPath;
import dev.jshim.ctl.output.OutputFormat;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the value of {@code -o}, and names what a shell may complete it to. */
final class OutputConverter implements ITypeConverter<OutputFormat>, Iterable<String> {
    @Override
    public OutputFormat convert(String text) {
        if (text.startsWith(OutputFormat.COLUMNS)) {
            return new OutputFormat(
                    OutputFormat.Kind.COLUMNS, columns(text.substring(OutputFormat.COLUMNS.length())), null);
        }
        if (text.startsWith(OutputFormat.JSONPATH)) {
            return new OutputFormat(
                    OutputFormat.Kind.JSONPATH, List.of(), path(text.substring(OutputFormat.JSONPATH.length())));
        }
        if (OutputFormat.words().contains(text)) {
            return OutputFormat.of(OutputFormat.Kind.valueOf(text.toUpperCase(Locale.ROOT)));
        }
        throw new TypeConversionException("expected one of " + OutputFormat.words() + " or " + OutputFormat.COLUMNS
                + "HEADING:field,... or " + OutputFormat.JSONPATH + "TEMPLATE but was '" + text + "'");
    }

    private static JsonPath path(String template) {
        try {
            return JsonPath.parse(template);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(
                    "'" + template + "' is not a template: " + e.getMessage() + "; for example '{.tasks[*].id}'");
        }
    }

    private static List<OutputFormat.Column> columns(String text) {
        var out = new ArrayList<OutputFormat.Column>();
        for (var each : text.split(",", -1)) {
            var colon = each.lastIndexOf(':');
            if (colon < 1 || colon == each.length() - 1) {
                throw new TypeConversionException("'" + each + "' is not a column; write it as HEADING:field");
            }
            out.add(new OutputFormat.Column(each.substring(0, colon), each.substring(colon + 1)));
        }
        return out;
    }

    @Override
    public Iterator<String> iterator() {
        var out = new ArrayList<>(OutputFormat.words());
        out.add(OutputFormat.COLUMNS);
        out.add(OutputFormat.JSONPATH);
        return out.iterator();
    }
}
