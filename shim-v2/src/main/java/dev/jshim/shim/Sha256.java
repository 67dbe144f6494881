package dev.jshim.shim;

import java.nio.ByteBuffer;

/**
 * SHA-256 (FIPS 180-4) of a few bytes.
 *
 * <p>Not the JDK's: the first MessageDigest reads java.security and looks through the providers, which is a tenth of
 * all that a shim does until it answers.
 */
final class Sha256 {
    private static final int BLOCK = 64;
    private static final int ROUNDS = 64;

    /** The first 32 bits of the fractional parts of the square roots and the cube roots of the first primes. */
    private static final int[] START = new int[8];

    private static final int[] ROUND = new int[ROUNDS];

    static {
        for (int prime = 2, found = 0; found < ROUNDS; prime++) {
            if (isPrime(prime)) {
                if (found < START.length) {
                    START[found] = fraction(Math.sqrt(prime));
                }
                ROUND[found++] = fraction(Math.cbrt(prime));
            }
        }
    }

    private Sha256() {}

    private static boolean isPrime(int number) {
        for (var divisor = 2; divisor * divisor <= number; divisor++) {
            if (number % divisor == 0) {
                return false;
            }
        }
        return true;
    }

    private static int fraction(double root) {
        return (int) (long) ((root - Math.floor(root)) * (1L << Integer.SIZE));
    }

    /** The 32 bytes of the digest. */
    static byte[] of(byte[] bytes) {
        // The message, a bit, zeros, and the message's length in bits at the end of the last block.
        var blocks = (bytes.length + Long.BYTES) / BLOCK + 1;
        var padded = ByteBuffer.allocate(blocks * BLOCK).put(bytes).put((byte) 0x80);
        padded.putLong(padded.capacity() - Long.BYTES, 8L * bytes.length).rewind();
        var hash = START.clone();
        while (padded.hasRemaining()) {
            add(hash, padded);
        }
        var digest = ByteBuffer.allocate(hash.length * Integer.BYTES);
        digest.asIntBuffer().put(hash);
        return digest.array();
    }

    private static void add(int[] hash, ByteBuffer block) {
        var words = new int[ROUNDS];
        for (var i = 0; i < 16; i++) {
            words[i] = block.getInt();
        }
        for (var i = 16; i < ROUNDS; i++) {
            var early = words[i - 15];
            var late = words[i - 2];
            words[i] = words[i - 16]
                    + (Integer.rotateRight(early, 7) ^ Integer.rotateRight(early, 18) ^ (early >>> 3))
                    + words[i - 7]
                    + (Integer.rotateRight(late, 17) ^ Integer.rotateRight(late, 19) ^ (late >>> 10));
        }
        var s = hash.clone();
        for (var i = 0; i < ROUNDS; i++) {
            var e = s[4];
            var first = s[7]
                    + (Integer.rotateRight(e, 6) ^ Integer.rotateRight(e, 11) ^ Integer.rotateRight(e, 25))
                    + ((e & s[5]) ^ (~e & s[6]))
                    + ROUND[i]
                    + words[i];
            var a = s[0];
            var second = (Integer.rotateRight(a, 2) ^ Integer.rotateRight(a, 13) ^ Integer.rotateRight(a, 22))
                    + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            System.arraycopy(s, 0, s, 1, 7);
            s[4] += first;
            s[0] = first + second;
        }
        for (var i = 0; i < hash.length; i++) {
            hash[i] += s[i];
        }
    }
}
