import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies jars without their manifests: {@code java BareJar.java FOLDER JAR...}. At every start the JVM parses the
 * manifest of each jar that a class of its AOT cache came from, for words that nothing here asks for
 * (docs/adr/0002-aot-cache.md has what that takes). All else stays as it is, entry by entry, but for times, which
 * would be those of the builder's clock zone, and the modes that Maven puts into our own jars, which are of the builder's
 * umask: the copy is the same whoever makes it.
 *
 * <p>A jar that has other classes for newer JVMs keeps its manifest, which says so.
 */
final class BareJar {
    private static final String MANIFEST = "META-INF/MANIFEST.MF";
    private static final LocalDateTime TIME = LocalDateTime.of(2026, 11, 1, 0, 0);

    private BareJar() {}

    public static void main(String... args) throws IOException {
        for (var i = 1; i < args.length; i++) {
            var jar = Path.of(args[i]);
            copy(jar, Path.of(args[0]).resolve(jar.getFileName()));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var jar = new ZipFile(from.toFile())) {
            if (jar.stream().anyMatch(BareJar::isForNewerJvms)) {
                Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
                return;
            }
            try (var out = new ZipOutputStream(Files.newOutputStream(to))) {
                for (var entry : Collections.list(jar.entries())) {
                    if (!entry.getName().equals(MANIFEST)) {
                        copy(jar, entry, out);
                    }
                }
            }
        }
    }

    private static boolean isForNewerJvms(ZipEntry entry) {
        var name = entry.getName();
        return name.startsWith("META-INF/versions/")
                && name.endsWith(".class")
                && !name.endsWith("/module-info.class");
    }

    private static void copy(ZipFile jar, ZipEntry entry, ZipOutputStream out) throws IOException {
        var copied = new ZipEntry(entry.getName());
        copied.setTimeLocal(TIME);
        out.putNextEntry(copied);
        try (var content = jar.getInputStream(entry)) {
            content.transferTo(out);
        }
        out.closeEntry();
    }
}
