/** Containers run by an OCI runtime such as runc or crun. */
@NullMarked
package dev.jshim.shim.oci;

import org.jspecify.annotations.NullMarked;
