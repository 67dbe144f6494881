package dev.jshim.bridge.migrate;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Why a file could not be read or written, in words: the message of some exceptions is the bare path. */
final class Reason {
    private Reason() {}

    static String of(IOException e) {
        if (!(e instanceof FileSystemException system) || system.getReason() != null) {
            return String.valueOf(e.getMessage());
        }
        return system.getFile()
                + switch (system) {
                    case NoSuchFileException _ -> ": no such file or directory";
                    case FileAlreadyExistsException _ -> " already exists";
                    case DirectoryNotEmptyException _ -> " is not empty";
                    case NotDirectoryException _ -> " is not a directory";
                    case AccessDeniedException _ -> ": permission denied";
                    default -> " cannot be read or written";
                };
    }
}
