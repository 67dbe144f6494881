import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;

/**
 * Writes a jar again with its class files in a version that an AOT cache can hold, which is Java 6's and later: of those
 * before, each start would parse and verify every class that it needs. The code is the same; what is added are the stack
 * maps that newer versions ask for.
 *
 * <p>Run from its source, with ASM on the class path: {@code UpgradeJar OLD.jar NEW.jar}. The same bytes each time.
 */
final class UpgradeJar {
    private static final int ENOUGH = Opcodes.V1_8;
    /** Not an instant: that would be written as the time that the builder's clock showed then. */
    private static final LocalDateTime TIME = LocalDateTime.of(2026, 11, 1, 0, 0);

    private UpgradeJar() {}

    public static void main(String[] args) throws IOException {
        var from = Path.of(args[0]);
        try (var jar = new ZipFile(from.toFile());
                var loader = new URLClassLoader(new URL[] {from.toUri().toURL()}, null);
                var to = new ZipOutputStream(Files.newOutputStream(Path.of(args[1])))) {
            for (var entry : jar.stream().sorted((a, b) -> a.getName().compareTo(b.getName())).toList()) {
                var out = new ZipEntry(entry.getName());
                out.setTimeLocal(TIME);
                to.putNextEntry(out);
                try (var in = jar.getInputStream(entry)) {
                    var bytes = in.readAllBytes();
                    to.write(entry.getName().endsWith(".class") ? upgraded(bytes, loader) : bytes);
                }
                to.closeEntry();
            }
            // The jar is not as its authors made it.
            var note = new ZipEntry("META-INF/changed-by-jshim.txt");
            note.setTimeLocal(TIME);
            to.putNextEntry(note);
            to.write(("class files rewritten as version " + ENOUGH + "\n").getBytes(StandardCharsets.UTF_8));
            to.closeEntry();
        }
    }

    private static byte[] upgraded(byte[] bytes, ClassLoader loader) {
        var reader = new ClassReader(bytes);
        if (reader.readUnsignedShort(6) >= ENOUGH) {
            return bytes;
        }
        var writer = new ClassWriter(ClassWriter.COMPUTE_FRAMES) {
            @Override
            protected ClassLoader getClassLoader() {
                return loader;
            }
        };
        reader.accept(new ClassVisitor(Opcodes.ASM9, writer) {
            @Override
            public void visit(int version, int access, String name, String signature, String parent, String[] interfaces) {
                super.visit(ENOUGH, access, name, signature, parent, interfaces);
            }
        }, ClassReader.SKIP_FRAMES);
        return writer.toByteArray();
    }
}
