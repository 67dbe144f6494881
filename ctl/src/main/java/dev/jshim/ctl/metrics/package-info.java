/** What Prometheus is given of a node, by Prometheus' own library, which only {@code jshimctl metrics} loads. */
@NullMarked
package dev.jshim.ctl.metrics;

import org.jspecify.annotations.NullMarked;
