package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that hears of the ends of its children, and of those that the JVM before had not reaped. */
@Timeout(180)
class ExitsTest {
    private static final int SIGTERM = 15;

    @TempDir
    Path folder;

    private static Jvm hearing(Keeper keeper) throws Exception {
        Jvm jvm = keeper.servingJvm(0);
        jvm.send("exits");
        return jvm;
    }

    private static boolean isZombie(int pid) throws IOException {
        var stat = Processes.stat(pid);
        return stat != null && stat.state() == 'Z';
    }

    private static boolean isGone(int pid) throws IOException {
        return Processes.stat(pid) == null;
    }

    @Test
    void codeAndSignalAreTold() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            for (int code : List.of(0, 7, 255, -SIGTERM, -Processes.SIGKILL)) {
                int pid = jvm.orphan(code);
                String how = code < 0 ? "0 " + -code : code + " 0";
                assertThat(jvm.next().text()).isEqualTo("exited " + pid + " " + how);
                assertThat(isZombie(pid)).as("its pid is not used again").isTrue();
                jvm.send("reap " + pid);
                Keeper.until("reaped", () -> isGone(pid));
            }
        }
    }

    @Test
    void oneIsToldAfterTheOtherWasReaped() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            int first = jvm.orphan(1);
            assertThat(jvm.next().text()).isEqualTo("exited " + first + " 1 0");
            int second = jvm.orphan(2);
            Keeper.until("ended", () -> isZombie(second));
            jvm.send("reap " + second);
            keeper.untilLogged("ignores an unknown message");
            assertThat(isZombie(first) && isZombie(second))
                    .as("not told of yet")
                    .isTrue();
            assertThat(jvm.hasMessages()).isFalse();
            jvm.send("reap " + first);
            assertThat(jvm.next().text()).isEqualTo("exited " + second + " 2 0");
            assertThat(isGone(first)).isTrue();
            jvm.send("reap " + second);
            jvm.send("reap " + second);
            Keeper.until("no other", () -> keeper.log().split("ignores an unknown message", -1).length == 3);
        }
    }

    @Test
    void manyAreEachToldOnce() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            List<String> ended = new ArrayList<>();
            List<String> told = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                ended.add(jvm.orphan(i) + " " + i + " 0");
            }
            for (int i = 0; i < 100; i++) {
                String text = jvm.next().text();
                told.add(text.replace("exited ", ""));
                jvm.send("reap " + text.split(" ", -1)[1]);
            }
            assertThat(told).containsExactlyInAnyOrderElementsOf(ended);
        }
    }

    @Test
    void theNextJvmIsToldWhatWasNotReaped() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            jvm.send("keep a", pipe.readEnd());
            int told = jvm.orphan(3);
            assertThat(jvm.next().text()).isEqualTo("exited " + told + " 3 0");
            int untold = jvm.orphan(4);
            // The end of the JVM is behind that of the one told in the kernel's list.
            jvm.kill();
            Jvm next = keeper.jvm();
            next.begin(1).values().forEach(Fd::close);
            assertThat(next.next().text()).isEqualTo("exited " + told + " 3 0");
            next.send("reap " + told);
            assertThat(next.next().text()).isEqualTo("exited " + untold + " 4 0");
            // What a JVM had sent before it died counts.
            next.send("reap " + untold);
            next.kill();
            Jvm third = keeper.jvm();
            third.begin(2).values().forEach(Fd::close);
            Keeper.until("reaped", () -> isGone(untold));
            int last = third.orphan(5);
            assertThat(third.next().text()).isEqualTo("exited " + last + " 5 0");
        }
    }

    @Test
    void endsAreCarriedOver() throws Exception {
        Path copy = Files.copy(Programs.keeper(), folder.resolve("another"));
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            int told = jvm.orphan(3);
            assertThat(jvm.next().text()).isEqualTo("exited " + told + " 3 0");
            jvm.send("keeper " + copy);
            keeper.untilLogged("the keeper is now version");
            int untold = jvm.orphan(4);
            jvm.send("reap " + told);
            assertThat(jvm.next().text()).isEqualTo("exited " + untold + " 4 0");
        }
    }

    @Test
    void theJvmThatEndsByPlanLeavesThemToTheKeepersParent() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = hearing(keeper);
            int told = jvm.orphan(3);
            assertThat(jvm.next().text()).isEqualTo("exited " + told + " 3 0");
            jvm.send("end");
            jvm.ask("exit 0");
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void theJvmDiesWithAKeeperThatIsToTakeItAlong() throws Exception {
        for (boolean along : List.of(true, false)) {
            try (Keeper keeper = along
                    ? Keeper.in(folder).with("-k").stub()
                    : Keeper.in(folder).stub()) {
                Jvm jvm = keeper.jvm();
                keeper.signal(Processes.SIGKILL);
                assertThat(keeper.exitStatus()).isEqualTo(137);
                if (along) {
                    Keeper.until("dead", () -> isGone(jvm.pid()) || isZombie(jvm.pid()));
                } else {
                    jvm.ask("anything");
                    assertThat(jvm.answer()).isEqualTo("done");
                }
            }
        }
    }

    @Test
    void alsoOneThatAReplacedKeeperHasStarted() throws Exception {
        Path copy = Files.copy(Programs.keeper(), folder.resolve("another"));
        try (Keeper keeper = Keeper.in(folder).with("-k").stub()) {
            Jvm jvm = keeper.jvm();
            jvm.send("serving");
            jvm.send("keeper " + copy);
            keeper.untilLogged("the keeper is now version");
            jvm.kill();
            Jvm next = keeper.jvm();
            keeper.signal(Processes.SIGKILL);
            Keeper.until("dead", () -> isGone(next.pid()) || isZombie(next.pid()));
        }
    }

    /** The stub has no handler for it and dies, which shows that it has got it. */
    @Test
    void aShimsJvmIsAskedForItsStacks() throws Exception {
        for (boolean shim : List.of(true, false)) {
            try (Keeper keeper = shim
                    ? Keeper.in(folder)
                            .with("-k", "-s", folder.resolve("status").toString())
                            .stub()
                    : Keeper.in(folder).stub()) {
                Jvm jvm = keeper.jvm();
                keeper.signal(Processes.SIGUSR1);
                jvm.send("serving");
                keeper.untilLogged("the JVM serves");
                keeper.signal(Processes.SIGUSR1);
                if (shim) {
                    keeper.untilLogged("ended: signal 10");
                    keeper.jvm();
                } else {
                    jvm.ask("anything");
                    assertThat(jvm.answer()).isEqualTo("done");
                }
            }
        }
    }

    @Test
    void theStatusIsNamedLater() throws Exception {
        try (Keeper keeper = Keeper.in(folder).with().stub()) {
            Jvm jvm = keeper.jvm();
            jvm.send("serving");
            keeper.untilLogged("the JVM serves");
            assertThat(folder.resolve("status")).doesNotExist();
            jvm.send("status " + folder.resolve("status"));
            Keeper.until("a status", () -> Files.exists(folder.resolve("status")));
            assertThat(keeper.status("state")).isEqualTo("serving");
            jvm.kill();
            keeper.jvm();
            assertThat(keeper.status("restarts")).isEqualTo("1");
        }
    }
}
