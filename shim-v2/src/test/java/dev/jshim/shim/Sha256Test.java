package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Sha256Test {
    /** Every length around the ends of three blocks, where the padding needs one block more. */
    @Test
    void isWhatTheJdkComputes() throws Exception {
        var random = new Random(256);
        var jdk = MessageDigest.getInstance("SHA-256");
        for (var length = 0; length < 200; length++) {
            var bytes = new byte[length];
            random.nextBytes(bytes);

            assertThat(Sha256.of(bytes)).as("%d bytes", length).isEqualTo(jdk.digest(bytes));
        }
    }
}
