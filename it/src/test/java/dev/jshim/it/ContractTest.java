package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/contract.md: each row of it names tests that there are, or where docs/scope.md says why there is none. */
class ContractTest {
    private static final int COLUMNS = 4;
    private static final Pattern NUMBER = Pattern.compile("[1-9]\\d*\\.[1-9]\\d*");
    private static final Pattern TEST = Pattern.compile("`(?:([a-z0-9-]+)/)?(\\w+)#(\\w+)`");
    private static final Pattern LINK = Pattern.compile("\\[[^]]+]\\(scope\\.md#([a-z0-9-]+)\\)");

    /** A method with the annotation of a test somewhere among its annotations. */
    private static final Pattern METHOD = Pattern.compile(
            "@(?:Test|ParameterizedTest|RepeatedTest)\\b(?:(?!;\\s*\\n|\\bvoid\\b)[\\s\\S])*?\\bvoid (\\w+)\\(");

    private final Map<String, Set<String>> tests = new HashMap<>();

    @Test
    void eachRowIsHeldByATestOrLeftOutForAReason() throws IOException {
        List<List<String>> rows = Page.of("contract.md").rows();
        List<String> anchors = Page.of("scope.md").anchors();
        readTests();

        assertThat(rows).hasSizeGreaterThan(100);
        List<String> wrong = new ArrayList<>();
        Set<String> numbers = new TreeSet<>();
        for (List<String> row : rows) {
            String number = row.getFirst();
            if (row.size() != COLUMNS
                    || row.contains("")
                    || !NUMBER.matcher(number).matches()) {
                wrong.add(row + ": not a number, what, source, held by");
            } else if (!numbers.add(number)) {
                wrong.add(number + " is there twice");
            } else {
                problems(row.getLast(), anchors).forEach(problem -> wrong.add(number + ": " + problem));
            }
        }
        assertThat(wrong).isEmpty();
    }

    private List<String> problems(String heldBy, List<String> anchors) {
        List<String> problems = new ArrayList<>();
        int found = 0;
        for (Matcher test = TEST.matcher(heldBy); test.find(); found++) {
            String module = test.group(1) == null ? "" : test.group(1);
            problems.addAll(problems(module, test.group(2), test.group(3)));
        }
        for (Matcher link = LINK.matcher(heldBy); link.find(); found++) {
            if (!anchors.contains(link.group(1))) {
                problems.add("scope.md has no heading #" + link.group(1));
            }
        }
        if (found == 0) {
            problems.add("neither a test nor a reason in scope.md");
        }
        String rest = LINK.matcher(TEST.matcher(heldBy).replaceAll("")).replaceAll("");
        if (!rest.replaceAll("[, ]", "").isEmpty()) {
            problems.add("not understood: " + rest.strip());
        }
        return problems;
    }

    private List<String> problems(String module, String name, String method) {
        List<String> files = tests.keySet().stream()
                .filter(file -> file.endsWith("/" + name + ".java") && file.startsWith(module))
                .toList();
        if (files.isEmpty()) {
            return List.of("there is no test class " + name + (module.isEmpty() ? "" : " in " + module));
        }
        if (files.size() > 1 && module.isEmpty()) {
            return List.of("which " + name + "? " + files);
        }
        return files.stream()
                        .anyMatch(file -> tests.getOrDefault(file, Set.of()).contains(method))
                ? List.of()
                : List.of(name + " has no test " + method);
    }

    private void readTests() throws IOException {
        for (Path file : Page.tests()) {
            Set<String> methods = new TreeSet<>();
            for (Matcher method = METHOD.matcher(Files.readString(file)); method.find(); ) {
                methods.add(method.group(1));
            }
            tests.put(Page.module(file) + "/" + file.getFileName(), methods);
        }
    }

    @Test
    void aMistakeIsFound() throws IOException {
        readTests();
        assertThat(problems("`ContractTest#aMistakeIsFound`, [why](scope.md#here)", List.of("here")))
                .isEmpty();
        assertThat(problems("`ContractTest#aMistakeIsNotFound`", List.of()))
                .containsExactly("ContractTest has no test aMistakeIsNotFound");
        assertThat(problems("`ContractTest#readTests`", List.of()))
                .as("no test")
                .hasSize(1);
        assertThat(problems("`NoTest#x`", List.of())).containsExactly("there is no test class NoTest");
        assertThat(problems("`ttrpc/ContractTest#aMistakeIsFound`", List.of()))
                .containsExactly("there is no test class ContractTest in ttrpc");
        assertThat(problems("`LifecycleTest#metrics`", List.of()))
                .singleElement()
                .asString()
                .startsWith("which LifecycleTest?");
        assertThat(problems("`it/LifecycleTest#metrics`", List.of())).isEmpty();
        assertThat(problems("[why](scope.md#nowhere)", List.of("here")))
                .containsExactly("scope.md has no heading #nowhere");
        assertThat(problems("", List.of())).containsExactly("neither a test nor a reason in scope.md");
        assertThat(problems("surely", List.of())).hasSize(2);
    }
}
