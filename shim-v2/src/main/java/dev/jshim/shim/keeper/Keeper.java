package dev.jshim.shim.keeper;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The keeper of this process as it is seen from here: it holds a second descriptor of each socket, so that none closes
 * when this process dies, and starts the next one. The processes that this one starts become its children when what
 * started them has ended, and it can tell of their ends. The words between the two are those of launcher/README.md.
 *
 * <p>A keeper that has died is replaced by another one, to which all is given again. Until then nothing is lost that
 * this process does not lose. Thread-safe.
 */
public final class Keeper implements FdStore, AutoCloseable {
    /** Names the descriptor of our end of the socket pair. */
    private static final String VARIABLE = "JSHIM_KEEPER";
    /** The number under which a keeper finds its end when it is started for a process that runs. */
    private static final int THEIR_END = 4;

    private static final String KEPT = "kept ";
    private static final String LISTENING = "listening ";
    private static final int MAX_MESSAGE = 64 << 10;
    private static final Duration STEP = Duration.ofSeconds(10);
    /** A keeper answers nothing before its first message, and has nothing to do but to send it. */
    private static final Duration FIRST = Duration.ofSeconds(30);

    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    @GuardedBy("this")
    private final Map<String, Held> held = new LinkedHashMap<>();

    @GuardedBy("this")
    private UnixSocket line;

    @GuardedBy("this")
    private boolean isLost;

    @GuardedBy("this")
    private boolean isServing;

    private volatile Consumer<ExitedChild> ended = child -> {};
    private int restarts;
    private volatile boolean closed;

    /** The keeper at the other end of that; it is taken over. */
    Keeper(UnixSocket line) {
        this(line, false);
    }

    private Keeper(UnixSocket line, boolean isLost) {
        this.line = line;
        this.isLost = isLost;
        closed = isLost;
    }

    /**
     * No keeper, as of a process with which all ends: nothing is there to take, and what is given to it is not held.
     */
    public static Keeper none() throws ErrnoException {
        var ends = UnixSocket.pairForMessages();
        for (var end : ends) {
            end.close();
        }
        return new Keeper(ends[0], true);
    }

    /** The keeper's program in a tree of jshim's. */
    public static final Path PROGRAM = Path.of("lib/native/jshim-keeper");

    /** Whether a program exists and the keeper that has started this process is another one. */
    private static boolean isOtherThanParent(Path program) {
        var self = Processes.stat(Processes.getpid());
        try {
            return self != null
                    && Files.isExecutable(program)
                    && !Files.isSameFile(Path.of("/proc", Integer.toString(self.parent()), "exe"), program);
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a keeper has started this process. */
    public static boolean isInherited() {
        return System.getenv(VARIABLE) != null;
    }

    /** The keeper that has started this process; null if none has. */
    public static @Nullable Keeper inherited() throws ErrnoException {
        var number = System.getenv(VARIABLE);
        if (number == null) {
            return null;
        }
        var fd = Fd.of(Integer.parseInt(number));
        fd.setCloseOnExec(true);
        return new Keeper(UnixSocket.of(fd));
    }

    /**
     * Takes what the keeper holds for the processes before this one; once, before anything else.
     *
     * @throws IOException if the keeper does not give it
     */
    public List<Held> takeAll() throws IOException {
        if (!isThere()) {
            return List.of();
        }
        var own = line();
        while (true) {
            var message = own.receive(MAX_MESSAGE, FIRST);
            var text = text(message);
            if (text.isEmpty()) {
                throw new IOException("the keeper has ended");
            }
            if (text.startsWith("begin ")) {
                restarts = Integer.parseInt(text.substring("begin ".length()));
                synchronized (this) {
                    return List.copyOf(held.values());
                }
            }
            if (message.fd() == null && (text.startsWith(LISTENING) || text.startsWith(KEPT))) {
                // The keeper has it still, for the next process.
                throw new IOException("too many files are open: the keeper cannot give " + text);
            }
            var _ = take(message, text);
        }
    }

    /** How often a process of this keeper was started before this one; after {@link #takeAll}. */
    public int restarts() {
        return restarts;
    }

    /**
     * Begins to hear the keeper, which takes a process that does not answer for a dead one.
     *
     * @param arrived called with each connection that the keeper has accepted; must not wait
     * @param lost called when the keeper has died
     */
    public void start(Consumer<Held> arrived, Runnable lost) {
        var own = line();
        Thread.ofVirtual().name("keeper").start(() -> hear(own, arrived, lost));
    }

    /**
     * Has the keeper tell of each child of its own that has ended, also of those that a process before this one has not
     * reaped. One child at a time: the next comes after {@link #reap}. For this process and all after it.
     *
     * @param consumer called in the keeper's thread, from {@link #start} on; must not wait
     */
    public void exits(Consumer<ExitedChild> consumer) {
        ended = consumer;
        send("exits", null);
    }

    /**
     * Says that the end of the child that was reported last is noted, so that its pid may mean another process from now
     * on.
     */
    public void reap(int pid) {
        send("reap " + pid, null);
    }

    /** Says where the keeper is to write down how it and this process stand. */
    public void status(Path file) {
        send("status " + file, null);
    }

    private void hear(UnixSocket from, Consumer<Held> arrived, Runnable lost) {
        try {
            while (true) {
                FdMessage message;
                try {
                    message = from.receive(MAX_MESSAGE, FOR_EVER);
                } catch (ErrnoException e) {
                    if (e.errno() == Errno.ECONNRESET) {
                        // It has died with words of ours unread. Its own, and connections with them, are still here.
                        continue;
                    }
                    throw e;
                }
                var text = text(message);
                if (text.isEmpty()) {
                    break;
                }
                if (text.startsWith("ping")) {
                    FaultPoint.at("keeper-ping");
                    MemoryCare.pinged();
                    // A keeper of format 1 has a number there, which it wants back.
                    send("alive" + text.substring("ping".length()), null);
                } else if (text.startsWith("exited ")) {
                    ended.accept(child(text));
                } else {
                    var given = take(message, text);
                    if (given != null) {
                        arrived.accept(given);
                    }
                }
            }
        } catch (ClosedChannelException e) {
            // Closed here.
        } catch (IOException e) {
            ShimLog.warn("cannot read from the keeper", "error", e);
        }
        if (!closed) {
            synchronized (this) {
                isLost = true;
            }
            from.close();
            lost.run();
        }
    }

    private static String text(FdMessage message) {
        return new String(message.data(), StandardCharsets.UTF_8);
    }

    /** Of "exited PID CODE SIGNAL". */
    private static ExitedChild child(String text) {
        var words = text.split(" ", -1);
        var signal = Integer.parseInt(words[3]);
        return new ExitedChild(
                Integer.parseInt(words[1]), signal != 0, signal != 0 ? signal : Integer.parseInt(words[2]));
    }

    private @Nullable Held take(FdMessage message, String text) {
        var fd = message.fd();
        var blank = text.indexOf(' ');
        var isListening = text.startsWith(LISTENING);
        if (fd == null) {
            if (isListening || text.startsWith(KEPT)) {
                ShimLog.error("a connection came without its descriptor: too many files are open", "message", text);
                drop(text.substring(blank + 1));
            }
            return null;
        }
        if (blank < 0 || !(isListening || text.startsWith(KEPT))) {
            fd.close();
            return null;
        }
        var given = new Held(text.substring(blank + 1), fd, isListening);
        synchronized (this) {
            held.put(given.name(), given);
        }
        return given;
    }

    private synchronized UnixSocket line() {
        return line;
    }

    /** Has a listening socket held, and connections to it accepted. The descriptor stays the caller's. */
    public void listen(String name, Fd listener) {
        hold(new Held(name, listener, true));
    }

    @Override
    public void keep(String name, Fd fd) {
        hold(new Held(name, fd, false));
    }

    private void hold(Held what) {
        synchronized (this) {
            held.put(what.name(), what);
        }
        give(what);
    }

    /**
     * Under the lock, so that what is dropped meanwhile is dropped after it was given. A duplicate, for its owner may
     * close it meanwhile, and the number may mean another file then.
     */
    private synchronized void give(Held what) {
        if (!what.equals(held.get(what.name()))) {
            return;
        }
        try (var fd = what.fd().duplicate()) {
            send((what.isListening() ? "listen " : "keep ") + what.name(), fd);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EBADF) {
                ShimLog.warn("the keeper does not hold a connection", "name", what.name(), "error", e);
            }
            // Else it has ended in this very moment.
        }
    }

    @Override
    public void drop(String name) {
        synchronized (this) {
            held.remove(name);
        }
        send("drop " + name, null);
    }

    /** Says that this process has come up. */
    public void serving() {
        synchronized (this) {
            isServing = true;
        }
        send("serving", null);
    }

    /** Says that this process is about to end, and that no other is to be started. */
    public void end() {
        closed = true;
        send("end", null);
    }

    /** Says what to start when this process has ended. Answers whether the keeper has got it. */
    public boolean next(List<String> command) {
        closed = send("next\0" + String.join("\0", command) + "\0", null);
        return closed;
    }

    /** Has the keeper of a tree before an upgrade replaced, in place: it has that tree in use as long as it runs. */
    public void replaceIfOther(Path program) {
        if (isThere() && isOtherThanParent(program)) {
            ShimLog.info("the keeper is of another tree; replacing it too", "program", program);
            send("keeper " + program, null);
        }
    }

    /** Whether there is a keeper now. */
    public synchronized boolean isThere() {
        return !isLost;
    }

    /** What cannot be sent to a keeper that has died is said to the next one. */
    @CanIgnoreReturnValue
    private boolean send(String words, @Nullable Fd fd) {
        try {
            line().send(new FdMessage(words.getBytes(StandardCharsets.UTF_8), fd), STEP);
            return true;
        } catch (IOException e) {
            if (isThere() && !(e instanceof ClosedChannelException)) {
                ShimLog.warn("cannot send to the keeper", "message", words.split("[ \0]", 2)[0], "error", e);
            }
            return false;
        }
    }

    /**
     * Starts another keeper in the place of one that has died, and gives it all that the dead one held.
     *
     * @param program the keeper's
     * @param arguments what it is started with, after the pid that it is to look after
     * @throws IOException if it cannot be started, or ends at once
     */
    public void revive(Path program, List<String> arguments, Consumer<Held> arrived, Runnable lost) throws IOException {
        var ends = UnixSocket.pairForMessages();
        var all = new ArrayList<>(
                List.of("-a", Long.toString(ProcessHandle.current().pid())));
        all.addAll(arguments);
        int pid;
        try (var theirs = ends[1];
                var errors = Fd.of(2).duplicate()) {
            pid = Spawn.command(program.toString(), all)
                    .directory(Path.of("/"))
                    .stderr(errors)
                    .extra(theirs.fd(), THEIR_END)
                    .newGroup(true)
                    .start();
        } catch (IOException e) {
            ends[0].close();
            throw e;
        }
        Thread.ofPlatform().name("keeper-end").daemon().start(() -> awaitEnd(pid));
        List<Held> everything;
        boolean serves;
        synchronized (this) {
            line = ends[0];
            isLost = false;
            everything = List.copyOf(held.values());
            serves = isServing;
        }
        // Connections first: the names of those that it accepts come after theirs.
        everything.stream().filter(each -> !each.isListening()).forEach(this::give);
        everything.stream().filter(Held::isListening).forEach(this::give);
        if (serves) {
            serving();
        }
        start(arrived, lost);
    }

    private static void awaitEnd(int pid) {
        try {
            var _ = Wait.pid(pid, true);
        } catch (ErrnoException e) {
            // Somebody else reaps here.
        }
    }

    /** Hears the keeper no more. What it holds it goes on holding. */
    @Override
    public void close() {
        closed = true;
        line().close();
    }
}
