/** The system calls that the JDK lacks, through java.lang.foreign. Nothing else in jshim imports that package. */
@NullMarked
package dev.jshim.linux;

import org.jspecify.annotations.NullMarked;
