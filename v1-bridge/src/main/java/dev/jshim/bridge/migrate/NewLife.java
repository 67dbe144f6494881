package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AddedBundle;
import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.shim.TaskStatus;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.TaskSurvey;
import java.time.Duration;
import java.util.List;

/**
 * Containers that containerd 2.x has started anew under the v1 runtime's name: each that is restarted in an adopted
 * pod, and each whose old record is started again. They are tasks of a v2 shim.
 */
final class NewLife {
    private NewLife() {}

    /**
     * Refuses a way back while one of them lives. A 1.x daemon looks for their tasks in the v1 runtime alone (1.6.20,
     * services/tasks/local.go getRuntime): it would take them for exited, start others in their place, and remove their
     * root file systems while they run.
     *
     * @param timeout for each question to a shim
     * @throws MigrationException that names them
     */
    static void refuse(NodePaths paths, Duration timeout) throws MigrationException {
        List<Bundle> made = Node.read(paths).v2().stream()
                .filter(bundle -> bundle.hasLegacyName()
                        && !AddedBundle.isOurs(bundle.path())
                        && !AddedBundle.isCopy(bundle.path()))
                .map(Bundle.class::cast)
                .toList();
        var living = new TaskSurvey(timeout)
                .of(made).stream()
                        .filter(task -> task.initLives() && task.status() != TaskStatus.STOPPED)
                        .map(task -> task.task().toString())
                        .toList();
        if (!living.isEmpty()) {
            throw new MigrationException(
                    "containerd 2.x has started these again under the name of the v1 runtime: "
                            + String.join(", ", living)
                            + ". The old containerd would not see them, and they would run on:"
                            + " stop and remove them while containerd 2.x runs (in Kubernetes: stop the kubelet first), then roll back");
        }
    }
}
