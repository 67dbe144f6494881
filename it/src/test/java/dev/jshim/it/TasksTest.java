package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class TasksTest {

    @Test
    void linesOfCtr() {
        Tasks tasks = Tasks.parse("TASK    PID     STATUS    \ninp     9557    RUNNING\ncnt     0    UNKNOWN\n");

        assertThat(tasks.isRunning("inp")).isTrue();
        assertThat(tasks.get("inp").pid()).isEqualTo(9557);
        assertThat(tasks.isRunning("cnt")).isFalse();
        assertThat(tasks.has("other")).isFalse();
        assertThatThrownBy(() -> tasks.get("other")).hasMessageContaining("no task other");
    }

    @Test
    void detailsOfEveryVersion() {
        ProcessList list = new ProcessList(List.of(
                "1    &ProcessDetails{ExecID:init,XXX_unrecognized:[],}",
                ProcessHandle.current().pid() + "    exec_id:\"worker\"",
                "7    -"));

        assertThat(list.pids()).containsExactly(1L, ProcessHandle.current().pid(), 7L);
        assertThat(list.exec("worker").pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(list.exec("init").pid()).isEqualTo(1);
        assertThatThrownBy(() -> list.exec("work")).hasMessageContaining("no exec work");
    }
}
