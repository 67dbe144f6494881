package dev.jshim.bench;

import dev.jshim.it.Product;

/** What is measured: our shim in two groupings, and the Go shim that it is compared with. */
enum Subject {
    NODE(Product.RUNTIME, "jshim, `node`"),
    POD(Product.RUNTIME, "jshim, `pod`"),
    GO("io.containerd.runc.v2", "Go shim");

    private final String runtime;
    private final String label;

    Subject(String runtime, String label) {
        this.runtime = runtime;
        this.label = label;
    }

    /** The runtime's name, as containerd is told it. */
    String runtime() {
        return runtime;
    }

    String label() {
        return label;
    }
}
