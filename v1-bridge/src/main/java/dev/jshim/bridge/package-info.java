/**
 * The bridge: v1 shims served as v2 tasks. Here it begins; its parts use those before them: record, v1, end, exit,
 * serve.
 */
@NullMarked
package dev.jshim.bridge;

import org.jspecify.annotations.NullMarked;
