package dev.jshim.shim;

import dev.jshim.shim.config.Protocol;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

/** The transport of a protocol. */
final class Transports {
    private static final String GRPC = "dev.jshim.grpc.GrpcTransport";

    private Transports() {}

    static Transport of(Protocol protocol) throws IOException {
        return switch (protocol) {
            case TTRPC -> new TtrpcTransport();
            case GRPC -> grpc();
        };
    }

    /** gRPC and Netty are in jars of their own, which no other shim opens; see docs/adr/0009. */
    private static Transport grpc() throws IOException {
        try {
            var loaded = Class.forName(GRPC, true, loader());
            return (Transport) loaded.getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException
                | NoSuchMethodException
                | InstantiationException
                | IllegalAccessException
                | InvocationTargetException e) {
            throw new IOException("Protocol = \"grpc\" is not part of this installation: " + e, e);
        }
    }

    private static ClassLoader loader() throws IOException {
        var parent = Transports.class.getClassLoader();
        var home = System.getProperty("jshim.home");
        var folder = home == null ? null : Path.of(home, "lib", "grpc");
        if (folder == null || !Files.isDirectory(folder)) {
            return parent;
        }
        var jars = new ArrayList<URL>();
        try (var files = Files.newDirectoryStream(folder, "*.jar")) {
            for (var file : files) {
                jars.add(url(file));
            }
        }
        return new URLClassLoader(jars.toArray(URL[]::new), parent);
    }

    private static URL url(Path file) throws MalformedURLException {
        return file.toUri().toURL();
    }
}
