package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Where ours may differ from the Go shim.
 *
 * @param where the row of {@code docs/scope.md} that says why
 * @param steps the names of the steps that it is about
 * @param theirs what the Go shim does there
 * @param ours what ours does there
 */
record RawDifference(String where, Pattern steps, Pattern theirs, Pattern ours) {

    static RawDifference of(String where, String steps, String theirs, String ours) {
        return new RawDifference(where, pattern(steps), pattern(theirs), pattern(ours));
    }

    private static Pattern pattern(String text) {
        return Pattern.compile(text, Pattern.DOTALL);
    }

    private boolean covers(String step, String their, String our) {
        return steps.matcher(step).matches()
                && theirs.matcher(their).matches()
                && ours.matcher(our).matches();
    }

    /** The steps that went otherwise in the second of two runs, each with both answers. */
    static List<String> between(Map<String, String> expected, Map<String, String> actual) {
        Set<String> steps = new TreeSet<>(expected.keySet());
        steps.addAll(actual.keySet());
        return steps.stream()
                .filter(step -> !Objects.equals(expected.get(step), actual.get(step)))
                .map(step -> step + "\n  expected: " + expected.get(step) + "\n  actual:   " + actual.get(step))
                .toList();
    }

    /**
     * Holds two runs of the same steps to a list: a difference that is not on it fails, and so does one on it that is
     * no more, and a list that is not that of the page.
     *
     * @param heading of the page's section with a table of the same rows
     * @param beyond rows about what only one of the two can be asked
     */
    static void check(
            String heading,
            List<RawDifference> listed,
            List<String> beyond,
            Map<String, String> theirs,
            Map<String, String> ours) {
        List<String> unlisted = new ArrayList<>();
        Set<String> seen = new HashSet<>(beyond);
        theirs.forEach((step, their) -> {
            String our = ours.getOrDefault(step, "not asked");
            if (!their.equals(our)) {
                listed.stream()
                        .filter(each -> each.covers(step, their, our))
                        .findFirst()
                        .ifPresentOrElse(
                                each -> seen.add(each.where()),
                                () -> unlisted.add(step + "\n  theirs: " + their + "\n  ours:   " + our));
            }
        });
        assertThat(unlisted).as("differences that nobody argued for").isEmpty();
        assertThat(listed.stream().map(RawDifference::where).toList())
                .as("differences that are no more")
                .allMatch(seen::contains);
        List<String> documented = Page.of("scope.md").section(heading).rows().stream()
                .map(List::getFirst)
                .toList();
        assertThat(documented).as("rows of docs/scope.md").containsExactlyInAnyOrderElementsOf(seen);
    }
}
