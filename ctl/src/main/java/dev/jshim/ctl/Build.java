package dev.jshim.ctl;

import java.io.IOException;
import java.util.Properties;

/** What this program was built as. */
final class Build {
    private Build() {}

    static String version() {
        var properties = new Properties();
        try (var in = Build.class.getResourceAsStream("build.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            return "unknown";
        }
        return properties.getProperty("version", "unknown");
    }
}
