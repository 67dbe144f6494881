/** What needs a machine of its own, with systemd or cgroup v2: {@code ./dev vm} runs these. */
@NullMarked
package dev.jshim.it.vm;

import org.jspecify.annotations.NullMarked;
