package dev.jshim.linux;

import org.jspecify.annotations.Nullable;

/**
 * A message over a unix socket that may carry a descriptor, by SCM_RIGHTS (unix(7), cmsg(3)).
 *
 * <p>Two are never compared, so that the array does no harm.
 *
 * @param data empty at the end of the connection
 * @param fd null if none came along; the receiver owns it, it is closed on exec
 */
@SuppressWarnings("ArrayRecordComponent")
public record FdMessage(byte[] data, @Nullable Fd fd) {
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_PEEK = 2;
    static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
    /** struct msghdr and struct iovec on 64 bits; CMSG_SPACE(sizeof(int)) is 24. */
    private static final int MSGHDR = 56;

    private static final int IOVEC = 16;
    private static final int CONTROL = 24;
    private static final int CONTROL_DATA = 16;
    private static final int CONTROL_LENGTH = CONTROL_DATA + Integer.BYTES;

    /** Sends on that socket; answers what sendmsg does, or the negated errno. */
    long send(int socket) {
        try (var memory = new Memory()) {
            var message = message(memory, memory.bytes(data, 0, data.length).address(), data.length);
            var passed = fd;
            if (passed != null) {
                var control = memory.block(CONTROL);
                control.buffer().putLong(0, CONTROL_LENGTH).putInt(8, SOL_SOCKET);
                control.buffer().putInt(12, SCM_RIGHTS).putInt(CONTROL_DATA, passed.number());
                control(message, control);
            }
            return NativeCall.retrying(Syscall.SENDMSG, socket, message.address(), MSG_NOSIGNAL);
        }
    }

    /** What a receive gave. */
    record Received(long result, FdMessage message) {}

    /** Receives at most that many bytes from that socket. */
    static Received receive(int socket, int size) {
        return receive(socket, size, 0);
    }

    /**
     * The same, and the message stays where it is: the next one that looks gets it too, with a descriptor of its own.
     */
    static Received peek(int socket, int size) {
        return receive(socket, size, MSG_PEEK);
    }

    private static Received receive(int socket, int size, int flags) {
        try (var memory = new Memory()) {
            var bytes = memory.block(size);
            var message = message(memory, bytes.address(), size);
            var control = memory.block(CONTROL);
            control(message, control);
            var got = NativeCall.retrying(Syscall.RECVMSG, socket, message.address(), MSG_CMSG_CLOEXEC | flags);
            var data = new byte[(int) Math.max(0, got)];
            bytes.buffer().get(0, data);
            var isDescriptor = got >= 0
                    && message.buffer().getLong(40) >= CONTROL_LENGTH
                    && control.buffer().getInt(8) == SOL_SOCKET
                    && control.buffer().getInt(12) == SCM_RIGHTS;
            return new Received(
                    got,
                    new FdMessage(data, isDescriptor ? Fd.of(control.buffer().getInt(CONTROL_DATA)) : null));
        }
    }

    /** msg_iov at 16, msg_iovlen at 24; no name. */
    private static Memory.Block message(Memory memory, long data, long length) {
        var iovec = memory.block(IOVEC);
        iovec.buffer().putLong(0, data).putLong(8, length);
        var message = memory.block(MSGHDR);
        message.buffer().putLong(16, iovec.address()).putLong(24, 1);
        return message;
    }

    /** msg_control at 32, msg_controllen at 40. */
    private static void control(Memory.Block message, Memory.Block control) {
        message.buffer().putLong(32, control.address()).putLong(40, CONTROL);
    }
}
