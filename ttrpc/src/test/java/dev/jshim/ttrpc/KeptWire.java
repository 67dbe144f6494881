package dev.jshim.ttrpc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

/** A connection that outlives who serves it, in memory. The server may be made to die at any of its steps. */
final class KeptWire {
    /** What happens to a server that is killed: it does nothing more, not even to close the connection. */
    static final class Death extends InterruptedIOException {
        private static final long serialVersionUID = 1L;
    }

    private final int most;
    private byte[] unread = {};
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private boolean ended;
    private int deaths;
    private int deadWriters;
    private boolean closed;
    private int stepsLeft = Integer.MAX_VALUE;

    /** @param most how much one look gives */
    KeptWire(int most) {
        this.most = most;
    }

    /** The client sends. */
    synchronized void arrives(byte[] bytes) {
        int before = unread.length;
        unread = Arrays.copyOf(unread, before + bytes.length);
        System.arraycopy(bytes, 0, unread, before, bytes.length);
        notifyAll();
    }

    /** The client sends no more. */
    synchronized void ends() {
        ended = true;
        notifyAll();
    }

    /** What the server has sent. */
    synchronized byte[] written() {
        return written.toByteArray();
    }

    /** Waits until a server that was killed has come to write, which it never does now. */
    synchronized void awaitDeadWriter() throws IOException {
        while (deadWriters == 0) {
            pause();
        }
    }

    /** Kills the server after so many looks and takings; the next one lives. */
    synchronized void diesAfter(int steps) {
        stepsLeft = steps;
        if (steps <= 0) {
            die();
        }
    }

    private void die() {
        deaths++;
        notifyAll();
    }

    /** What the server has that serves it from now on. One that has died stays dead whatever the next one does. */
    synchronized KeptChannel served() {
        return new Served(deaths);
    }

    @SuppressWarnings("WaitNotInLoop") // who calls looks again
    private synchronized void pause() throws IOException {
        try {
            wait();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private final class Served implements KeptChannel {
        private final int born;

        Served(int born) {
            this.born = born;
        }

        private boolean isDead() {
            return born != deaths;
        }

        private void step() throws Death {
            if (!isDead() && stepsLeft-- <= 0) {
                die();
            }
            if (isDead()) {
                throw new Death();
            }
        }

        @Override
        public int peek(ByteBuffer to, Duration patience) throws IOException {
            synchronized (KeptWire.this) {
                step();
                while (unread.length == 0) {
                    if (ended || closed) {
                        return -1;
                    }
                    pause();
                    if (isDead()) {
                        throw new Death();
                    }
                }
                int count = Math.min(most, Math.min(unread.length, to.remaining()));
                to.put(unread, 0, count);
                return count;
            }
        }

        @Override
        public boolean beginsWith(byte[] bytes) {
            synchronized (KeptWire.this) {
                return bytes.length <= unread.length && Arrays.equals(bytes, Arrays.copyOf(unread, bytes.length));
            }
        }

        @Override
        public void discard(int count) throws IOException {
            synchronized (KeptWire.this) {
                step();
                unread = Arrays.copyOfRange(unread, count, unread.length);
            }
        }

        @Override
        public int read(ByteBuffer to) {
            throw new AssertionError("everything is looked at first");
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            synchronized (KeptWire.this) {
                try {
                    step();
                } catch (Death e) {
                    deadWriters++;
                    KeptWire.this.notifyAll();
                    while (true) {
                        pause();
                    }
                }
                byte[] bytes = new byte[from.remaining()];
                from.get(bytes);
                written.writeBytes(bytes);
                return bytes.length;
            }
        }

        @Override
        public void stopReading() {
            synchronized (KeptWire.this) {
                if (!isDead()) {
                    diesAfter(0);
                }
            }
        }

        @Override
        public void shutdown() {}

        @Override
        public boolean isOpen() {
            synchronized (KeptWire.this) {
                return !closed;
            }
        }

        @Override
        public void close() {
            synchronized (KeptWire.this) {
                closed |= !isDead();
                KeptWire.this.notifyAll();
            }
        }
    }
}
