package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What docs/architecture.md and CONTRIBUTING.md say of the classes, by the class files themselves. */
class ArchitectureTest {
    private static final Pattern TYPE = Pattern.compile("L(dev/jshim/[\\w/$]+|java/lang/foreign/\\w+);");

    /** What each class names, both without what is nested in them; packages with dots. */
    private static final Map<String, Set<String>> USES = new TreeMap<>();

    @BeforeAll
    static void read() throws IOException {
        for (String place : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            String file = String.valueOf(Path.of(place).getFileName());
            if (file.matches("(linux|ttrpc|task|grpc|node|shim-v2|v1-bridge|ctl)-[\\d.]+\\.jar")) {
                try (var jar = FileSystems.newFileSystem(Path.of(place));
                        Stream<Path> all = Files.walk(jar.getPath("/dev/jshim"))) {
                    all.filter(path -> path.toString().endsWith(".class")).forEach(ArchitectureTest::add);
                }
            }
        }
        assertThat(USES).hasSizeGreaterThan(300);
    }

    private static void add(Path file) {
        try {
            var model = ClassFile.of().parse(Files.readAllBytes(file));
            Set<String> uses = USES.computeIfAbsent(outer(model.thisClass().asInternalName()), _ -> new TreeSet<>());
            for (PoolEntry entry : model.constantPool()) {
                switch (entry) {
                    case ClassEntry used -> uses.add(outer(used.asInternalName()));
                    case Utf8Entry text ->
                        TYPE.matcher(text.stringValue()).results().forEach(type -> uses.add(outer(type.group(1))));
                    default -> {}
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String outer(String name) {
        int nested = name.indexOf('$');
        return (nested > 0 ? name.substring(0, nested) : name).replace('/', '.');
    }

    private static String parent(String name) {
        return name.substring(0, name.lastIndexOf('.'));
    }

    /** The classes that name another of which the pattern is true. */
    private static Set<String> users(String pattern) {
        return USES.entrySet().stream()
                .filter(user -> user.getValue().stream().anyMatch(used -> used.matches(pattern)))
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void onlyLinuxCallsTheKernel() {
        assertThat(users("java\\.lang\\.foreign\\..*"))
                .isNotEmpty()
                .allMatch(user -> user.startsWith("dev.jshim.linux."));
    }

    /** It waits for its child by itself, beside whoever reaps all children: an exit code 7 becomes 0. */
    @Test
    void noShimAndNoBridgeStartsAProcessByTheJdk() {
        assertThat(users("java\\.lang\\.ProcessBuilder"))
                .containsExactlyInAnyOrder(
                        // They run in jshimctl, which reaps nothing.
                        "dev.jshim.bridge.migrate.BridgeService",
                        "dev.jshim.bridge.migrate.Restart",
                        "dev.jshim.ctl.task.ExecStreams",
                        "dev.jshim.ctl.cli.RuntimeCall",
                        "dev.jshim.node.process.ProgramRun",
                        // It hands one on.
                        "dev.jshim.linux.OpenFiles");
    }

    /** What a call is in the v1 API stands in V1Task, how one gets to a shim in the classes that implement V1Calls. */
    @Test
    void theV1ApiIsMappedInOnePlace() {
        assertThat(users("dev\\.jshim\\.proto\\.v1\\.shim\\..*Request"))
                .containsExactlyInAnyOrder(
                        "dev.jshim.task.client.V1Task",
                        // They stand in for a v1 shim, in the runs that the AOT caches are made of.
                        "dev.jshim.bridge.serve.Training",
                        "dev.jshim.ctl.Training");
        assertThat(users("dev\\.jshim\\.proto\\.v1\\.shim\\.ShimGrpc"))
                .contains("dev.jshim.task.client.V1Task", "dev.jshim.bridge.v1.ShimLink")
                .noneMatch(user -> user.startsWith("dev.jshim.node."));
    }

    @Test
    void modulesUseWhatIsBelowThem() {
        Map<String, Set<String>> allowed = Map.of(
                "linux", Set.of(),
                "ttrpc", Set.of("linux"),
                "task", Set.of("linux", "proto"),
                "grpc", Set.of("linux", "shim"),
                "shim", Set.of("linux", "ttrpc", "proto", "task"),
                "node", Set.of("linux", "ttrpc", "proto", "task"),
                "bridge", Set.of("linux", "ttrpc", "proto", "task", "shim", "node"),
                "ctl", Set.of("linux", "ttrpc", "proto", "task", "shim", "node", "bridge"));
        USES.forEach((user, uses) -> {
            String module = user.split("\\.", -1)[2];
            uses.stream()
                    .filter(used -> used.startsWith("dev.jshim."))
                    .map(used -> used.split("\\.", -1)[2])
                    .filter(used -> !used.equals(module))
                    .forEach(used -> assertThat(allowed.get(module))
                            .as("what %s may use", user)
                            .contains(used));
        });
    }

    /** The rows of the page: each class of the way is there, and none is on it twice. */
    @Test
    void theWayOfACallIsOfClassesThatThereAre() {
        Set<String> names = USES.keySet().stream()
                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                .collect(Collectors.toSet());
        List<List<String>> rows =
                Page.of("architecture.md").section("The way of a call").rows();
        assertThat(rows).hasSizeGreaterThan(2);
        for (List<String> row : rows) {
            List<String> way = List.of(row.getLast().replace("`", "").split(" ", -1));
            assertThat(way).as(row.getFirst()).doesNotHaveDuplicates().isSubsetOf(names);
        }
    }

    @Test
    void noPackageNeedsOneThatNeedsIt() {
        Map<String, Set<String>> packages = new TreeMap<>();
        USES.forEach((user, uses) -> uses.stream()
                .filter(used -> USES.containsKey(used) && !parent(used).equals(parent(user)))
                .forEach(used -> packages.computeIfAbsent(parent(user), _ -> new TreeSet<>())
                        .add(parent(used))));
        assertThat(circles(packages)).isEmpty();
    }

    /** Each of these reads well only together with the others. Those of the bridge are not looked at. */
    private static final Map<Set<String>, String> CIRCLES = Map.of(
            Set.of("node.bundle.Bundle", "node.bundle.V1Bundle", "node.bundle.V2Bundle"),
            "sealed",
            Set.of("shim.cgroup.Cgroup", "shim.cgroup.Cgroup1", "shim.cgroup.Cgroup2"),
            "sealed, and finds out which of the two it is",
            Set.of("shim.stdio.ProcessIo", "shim.stdio.PipeIo", "shim.stdio.TerminalIo"),
            "sealed, and opens the one that is asked for",
            Set.of("shim.stdio.PumpLoop", "shim.stdio.Pump"),
            "a loop steps its pumps, and a pump asks its loop for its next step",
            Set.of("shim.cgroup.OomWatch", "shim.cgroup.OomListener"),
            "a watch informs its listeners, and one that is closed leaves it",
            Set.of("ttrpc.ClientConnection", "ttrpc.ClientStream"),
            "a connection passes frames on to its streams, and they write to it",
            Set.of("ttrpc.ServerConnection", "ttrpc.ServerStream"),
            "the same");

    @Test
    void noClassNeedsOneThatNeedsIt() {
        Map<String, Set<String>> classes = new TreeMap<>();
        USES.forEach((user, uses) -> classes.put(
                user,
                uses.stream()
                        .filter(used -> USES.containsKey(used) && !used.equals(user))
                        .collect(Collectors.toSet())));
        Set<Set<String>> found = circles(classes).stream()
                .map(circle -> circle.stream()
                        .map(name -> name.substring("dev.jshim.".length()))
                        .collect(Collectors.toSet()))
                .filter(circle -> circle.stream().noneMatch(name -> name.startsWith("bridge.")))
                .collect(Collectors.toSet());
        assertThat(found).isEqualTo(CIRCLES.keySet());
    }

    /** All sets of more than one that reach each other. */
    private static Set<Set<String>> circles(Map<String, Set<String>> graph) {
        Map<String, Set<String>> reached = new HashMap<>();
        for (String from : graph.keySet()) {
            Set<String> seen = new TreeSet<>();
            List<String> left = new ArrayList<>(graph.get(from));
            while (!left.isEmpty()) {
                String next = left.removeLast();
                if (seen.add(next)) {
                    left.addAll(graph.getOrDefault(next, Set.of()));
                }
            }
            reached.put(from, seen);
        }
        Set<Set<String>> circles = new HashSet<>();
        reached.forEach((from, to) -> {
            if (to.contains(from)) {
                circles.add(to.stream()
                        .filter(other -> reached.getOrDefault(other, Set.of()).contains(from))
                        .collect(Collectors.toSet()));
            }
        });
        return circles;
    }
}
