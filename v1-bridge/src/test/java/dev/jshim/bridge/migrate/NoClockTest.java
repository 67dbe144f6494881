package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** A clock that was set back must not matter: nothing of a migration asks what time it is, or how old a file is. */
class NoClockTest {
    private static final Pattern CLOCK = Pattern.compile("java/lang/System\\.currentTimeMillis"
            + "|java/time/[A-Za-z]+\\.now|java/time/Clock\\..*|java/util/(Date|Calendar)\\..*"
            + "|java/nio/file/Files\\.getLastModifiedTime|java/nio/file/attribute/[A-Za-z]+\\.lastModifiedTime"
            + "|java/lang/ProcessHandle\\$Info\\.startInstant");

    /** The packages; the time of an exit that nobody but the bridge has seen is the bridge's. */
    private static final Pattern MIGRATION = Pattern.compile("dev/jshim/bridge/(migrate|journal|record)/.*");

    @Test
    void nobodyAsksForTheTime() throws Exception {
        var found = calls(Migration.class);
        assertThat(found)
                .as("the test can see calls at all")
                .contains("dev/jshim/bridge/exit/V1Exits java/time/Instant.now");
        assertThat(found).noneMatch(call -> MIGRATION.matcher(call).matches());
    }

    /** Calls of a clock by any class of the module that a class is in: {@code WHO WHAT}. */
    private static Set<String> calls(Class<?> one) throws IOException, URISyntaxException {
        var root =
                Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<Path> files;
        try (var all = Files.walk(root)) {
            files = all.filter(file -> file.toString().endsWith(".class")).toList();
        }
        assertThat(files).hasSizeGreaterThan(60);
        Set<String> calls = new TreeSet<>();
        for (var file : files) {
            var type = ClassFile.of().parse(file);
            for (var entry : type.constantPool()) {
                if (entry instanceof MemberRefEntry member) {
                    var what = member.owner().asInternalName() + "."
                            + member.name().stringValue();
                    if (CLOCK.matcher(what).matches()) {
                        calls.add(type.thisClass().asInternalName() + " " + what);
                    }
                }
            }
        }
        return calls;
    }
}
