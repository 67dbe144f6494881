import java.io.File;
import org.cyclonedx.Version;
import org.cyclonedx.parsers.JsonParser;

/**
 * Holds a bill of materials against the schema of CycloneDX 1.6, run from its source: {@code ValidateBom FILE}. Says what
 * is wrong with it, and ends with 1 then.
 */
final class ValidateBom {
    private ValidateBom() {}

    public static void main(String[] args) throws Exception {
        var bom = new File(args[0]);
        var errors = new JsonParser().validate(bom, Version.VERSION_16);
        errors.forEach(error -> System.err.println(error.getMessage()));
        // none at all would be valid, too
        if (!errors.isEmpty() || new JsonParser().parse(bom).getComponents().isEmpty()) {
            System.exit(1);
        }
    }
}
