/** Tasks as clients of their shims see them: the only place that speaks the v1 API, and task v2 and v3 as a client. */
@NullMarked
package dev.jshim.task.client;

import org.jspecify.annotations.NullMarked;
