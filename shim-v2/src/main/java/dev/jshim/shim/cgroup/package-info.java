/** What the kernel accounts for a container: its processes and its metrics, read from the cgroup file systems. */
@NullMarked
package dev.jshim.shim.cgroup;

import org.jspecify.annotations.NullMarked;
