package dev.jshim.it;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Waits after each {@link Scenario} until nothing of it is left on the machine, beside the tests that follow: a shim of
 * a whole node stays for seconds after its last container, which is most of the time that a short test takes. What was
 * left fails the class, by the test's name. For classes that run one after the other, as they do in a process of
 * surefire.
 */
final class NothingLeft implements AfterEachCallback, AfterAllCallback {
    /** Daemons that may be about to end beside the one of the running test; bounded for the machine's memory. */
    private static final int ROOM = 4;

    private final Semaphore room = new Semaphore(ROOM);
    private final List<FutureTask<Void>> ends = new ArrayList<>();

    @Override
    public void afterEach(ExtensionContext context) throws InterruptedException {
        Scenario scenario = (Scenario) context.getRequiredTestInstance();
        PrivateContainerd node = scenario.node;
        if (node == null) {
            return; // There was no daemon to start; the failure of that is reported.
        }
        if (context.getExecutionException().isPresent()) {
            node.close();
            return;
        }
        String name = context.getUniqueId();
        room.acquire();
        FutureTask<Void> end = new FutureTask<>(
                () -> {
                    try (node) {
                        scenario.finish(node);
                    } catch (RuntimeException e) {
                        throw new AssertionError("after " + name + ": " + e.getMessage(), e);
                    } finally {
                        room.release();
                    }
                },
                null);
        ends.add(end);
        Thread.ofPlatform().name("end of " + node.dir().getFileName()).start(end);
    }

    @Override
    public void afterAll(ExtensionContext context) throws InterruptedException {
        AssertionError failure = null;
        for (FutureTask<Void> end : ends) {
            try {
                end.get();
            } catch (ExecutionException e) {
                if (failure == null) {
                    failure = new AssertionError("something was left behind");
                }
                failure.addSuppressed(e.getCause());
            }
        }
        ends.clear();
        if (failure != null) {
            throw failure;
        }
    }
}
