package dev.jshim.ctl;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/**
 * Writes man pages out of the commands' own help: {@code ManPages FOLDER}. One for jshimctl and one for each of its
 * commands, as man(7) has them; picocli's own generator writes AsciiDoc, which would need one more tool on the way.
 */
public final class ManPages {
    /** For the administrator, as ctr(8) is. */
    private static final String SECTION = "8";

    private final StringBuilder out = new StringBuilder();

    private ManPages() {}

    public static void main(String[] args) throws IOException {
        var folder = Files.createDirectories(Path.of(args[0]));
        for (var page : pages().entrySet()) {
            Files.writeString(folder.resolve(page.getKey()), page.getValue());
        }
    }

    /** The pages by the names of their files. */
    static Map<String, String> pages() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        var root = CommandTree.commandLine(nowhere, nowhere);
        Map<String, String> pages = new LinkedHashMap<>();
        pages.put(file("jshimctl"), rootPage(root));
        for (var command : CommandText.subcommands(root)) {
            pages.put(file(pageName(command)), commandPage(root, command));
        }
        return pages;
    }

    private static String file(String name) {
        return name + "." + SECTION;
    }

    private static String pageName(CommandLine command) {
        return "jshimctl-" + command.getCommandName();
    }

    private static String rootPage(CommandLine root) {
        var page = new ManPages();
        page.head("jshimctl", root);
        page.section("SYNOPSIS").bold("jshimctl").line(" [OPTIONS] COMMAND");
        page.section("DESCRIPTION").line(CommandText.description(root));
        page.section("COMMANDS");
        for (var command : CommandText.subcommands(root)) {
            page.macro("TP").bold(pageName(command)).line("(" + SECTION + ")");
            page.line(CommandText.description(command));
        }
        page.section("OPTIONS")
                .line("They can come before or after the command's name.")
                .options(root, true);
        page.exitCodes(root);
        page.section("FILES").macro("TP").bold("/etc/jshim/config.toml").newLine();
        page.line("defaults for containers whose own options do not set them; the shims read it, jshimctl does not");
        page.section("SEE ALSO").line("containerd-shim-v2-oci(8), containerd-shim-v1-linux(8), containerd(8), ctr(8)");
        return page.out.toString();
    }

    private static String commandPage(CommandLine root, CommandLine command) {
        var page = new ManPages();
        page.head(pageName(command), command);
        page.section("SYNOPSIS").line(CommandText.synopsis(command));
        page.section("DESCRIPTION").line(CommandText.description(command));
        page.footer(command);
        page.optionSection("OPTIONS", command);
        for (var inner : CommandText.subcommands(command)) {
            page.section(inner.getCommandSpec().qualifiedName());
            page.line(CommandText.description(inner));
            page.macro("PP").line(CommandText.synopsis(inner));
            page.footer(inner);
            page.parameters(inner);
        }
        page.exitCodes(root);
        page.section("SEE ALSO").line("jshimctl(" + SECTION + "), for the options of all commands");
        return page.out.toString();
    }

    private void head(String name, CommandLine command) {
        out.append(".TH \"%s\" %s \"\" \"jshim %s\" \"jshim\"\n"
                .formatted(name.toUpperCase(java.util.Locale.ROOT), SECTION, Build.version()));
        var what = CommandText.description(command).replaceFirst("[.;].*", "");
        section("NAME")
                .line(name + " - " + what.substring(0, 1).toLowerCase(java.util.Locale.ROOT) + what.substring(1));
    }

    private void exitCodes(CommandLine root) {
        section("EXIT STATUS");
        root.getCommandSpec()
                .usageMessage()
                .exitCodeList()
                .forEach((code, meaning) -> macro("TP").line(code.strip()).line(meaning));
    }

    private void optionSection(String heading, CommandLine command) {
        if (!command.getCommandSpec().positionalParameters().isEmpty()
                || !CommandText.ownOptions(command).isEmpty()) {
            section(heading).parameters(command);
        }
    }

    private void parameters(CommandLine command) {
        for (var parameter : command.getCommandSpec().positionalParameters()) {
            macro("TP").bold(parameter.paramLabel()).newLine();
            line(String.join(" ", parameter.description()));
        }
        options(command, false);
    }

    private void options(CommandLine command, boolean all) {
        var options = all ? command.getCommandSpec().options() : CommandText.ownOptions(command);
        for (var option : options) {
            macro("TP").bold(CommandText.names(option)).newLine();
            line(String.join(" ", option.description()));
        }
    }

    /** Text as it is, examples as they are typed. */
    private void footer(CommandLine command) {
        for (var footerLine : command.getCommandSpec().usageMessage().footer()) {
            var text = Ansi.OFF.string(footerLine);
            if (text.isBlank()) {
                macro("PP");
            } else if (text.startsWith("  ")) {
                macro("br").line("    " + text.strip());
            } else {
                line(text);
            }
        }
    }

    private ManPages section(String heading) {
        out.append(".SH \"").append(escaped(heading)).append("\"\n");
        return this;
    }

    private ManPages macro(String name) {
        out.append('.').append(name).append('\n');
        return this;
    }

    private ManPages bold(String text) {
        out.append("\\fB").append(escaped(text)).append("\\fR");
        return this;
    }

    private ManPages newLine() {
        out.append('\n');
        return this;
    }

    /** A line of text, whatever it begins with: a dot or an apostrophe there would be a command. */
    private ManPages line(String text) {
        out.append(text.startsWith(".") || text.startsWith("'") ? "\\&" : "")
                .append(escaped(text))
                .append('\n');
        return this;
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\e").replace("-", "\\-").replace("\"", "\\(dq");
    }
}
