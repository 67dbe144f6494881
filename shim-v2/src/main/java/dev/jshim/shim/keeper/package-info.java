/** The process beside a JVM that holds its descriptors and starts it again, see launcher/README.md. */
@NullMarked
package dev.jshim.shim.keeper;

import org.jspecify.annotations.NullMarked;
