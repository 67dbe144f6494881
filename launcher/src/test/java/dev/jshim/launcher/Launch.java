package dev.jshim.launcher;

import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A launcher in a tree of its own, whose shell part prints what it was called with, and a bundle in which it is run.
 *
 * @param script what the tree's shell part writes when it is run: open descriptors, umask, parent, arguments; stdin
 */
record Launch(Path program, Path bundle, Path config, Path script) {
    /** A name that no other test has. */
    private static final String NAMESPACE = "launch" + ProcessHandle.current().pid();

    /** What the launcher left: stdout and stderr, and what the script saw, which is empty if that did not run. */
    record Result(int code, String out, String err, String script) {}

    /** @param name of the program in the tree */
    static Launch in(Path folder, Path program, String name) throws IOException {
        Path bin = Files.createDirectory(folder.resolve("bin"));
        Path script = folder.resolve("script");
        Files.createDirectories(folder.resolve("lib/sh"));
        Files.writeString(
                folder.resolve("lib/sh/shim.sh"),
                "{ ls -m /proc/self/fd; echo $(umask) $PPID \"$@\"; cat; } >" + script + "\necho shell\n");
        Path copy = bin.resolve(name);
        copy(program, copy);
        Path bundle = Files.createDirectories(folder.resolve("bundles/one"));
        Files.writeString(bundle.resolve("config.json"), "{}");
        Path config = Files.writeString(folder.resolve("config.toml"), "Grouping = \"node\"\n");
        return new Launch(copy, bundle, config, script);
    }

    /**
     * Not by ourselves: a child that another test starts meanwhile would have it open for writing, and so nobody could
     * run it.
     */
    private static void copy(Path program, Path copy) throws IOException {
        try {
            if (new ProcessBuilder("cp", program.toString(), copy.toString())
                            .start()
                            .waitFor()
                    != 0) {
                throw new IOException("cannot copy " + program + " to " + copy);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static Launch in(Path folder) throws IOException {
        return in(folder, Programs.launcher("launcher"), "containerd-shim-v2-oci");
    }

    /** The flags that containerd gives, and a command. */
    static List<String> flags(String address, String id, String command) {
        return List.of("-namespace", NAMESPACE, "-address", address, "-publish-binary", "/x", "-id", id, command);
    }

    Result run(String stdin, String address, String command) throws IOException, InterruptedException {
        return run(stdin, flags(address, "one", command));
    }

    Result run(String stdin, List<String> arguments) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of(program.toString()));
        all.addAll(arguments);
        return runAs(stdin, all);
    }

    /** With this command in the place of the program. */
    Result runAs(String stdin, List<String> command) throws IOException, InterruptedException {
        Files.deleteIfExists(script);
        Path in = Files.writeString(script.resolveSibling("stdin"), stdin);
        Path err = script.resolveSibling("stderr");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(bundle.toFile())
                .redirectInput(in.toFile())
                .redirectError(err.toFile());
        builder.environment().put("JSHIM_CONFIG", config.toString());
        builder.environment().put("ASAN_OPTIONS", "detect_leaks=0");
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " does not end");
        }
        return new Result(
                process.exitValue(), out, Files.readString(err), Files.exists(script) ? Files.readString(script) : "");
    }

    /** The folder of the group of all containers under an address. */
    static Path nodeGroup(String address) throws IOException {
        return group(sha256(address + "/" + NAMESPACE + "//node"));
    }

    static Path group(String name) throws IOException {
        return Files.createDirectories(Programs.GROUPS.resolve(name));
    }

    static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** As GroupRecord of shim-v2 writes it; this process is both the shim and who called it. */
    static String record(Path socket) {
        ProcessId self = ProcessId.of((int) ProcessHandle.current().pid());
        return "shim " + self + "\nversion 3\nprotocol ttrpc\nsocket " + socket + "\ncaller " + self
                + "\nanswer {\"version\":3}\n";
    }
}
