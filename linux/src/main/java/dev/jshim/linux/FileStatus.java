package dev.jshim.linux;

/**
 * What stat(2) says of a file.
 *
 * @param mode type and permission bits
 * @param device number of the device that holds it, encoded as glibc's makedev
 * @param inode its number there; together with device the identity of the file
 * @param specialDevice for a device file the device that it names, encoded as glibc's makedev
 * @param size in bytes
 */
public record FileStatus(int mode, long device, long inode, long specialDevice, int uid, int gid, long size) {
    static final int FIFO = 0010000;

    private static final int TYPE = 0170000;

    public boolean isFifo() {
        return (mode & TYPE) == FIFO;
    }

    public boolean isRegular() {
        return (mode & TYPE) == 0100000;
    }

    public boolean isDirectory() {
        return (mode & TYPE) == 0040000;
    }

    public boolean isSymbolicLink() {
        return (mode & TYPE) == 0120000;
    }

    public boolean isSocket() {
        return (mode & TYPE) == 0140000;
    }

    public boolean isCharacterDevice() {
        return (mode & TYPE) == 0020000;
    }

    public boolean isBlockDevice() {
        return (mode & TYPE) == 0060000;
    }

    /** The permission bits, with set-id and sticky: 07777. */
    public int permissions() {
        return mode & 07777;
    }
}
