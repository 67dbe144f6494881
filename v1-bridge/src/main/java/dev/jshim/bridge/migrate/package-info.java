/** The migration of running v1 containers: plan, apply, status, rollback. It only ever adds beside what v1 has. */
@NullMarked
package dev.jshim.bridge.migrate;

import org.jspecify.annotations.NullMarked;
