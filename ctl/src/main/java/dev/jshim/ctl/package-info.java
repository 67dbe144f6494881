/** jshimctl: its start, all commands by name, help and completion; the commands are in the packages below. */
@NullMarked
package dev.jshim.ctl;

import org.jspecify.annotations.NullMarked;
