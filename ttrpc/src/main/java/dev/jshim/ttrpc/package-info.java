/** ttrpc as a transport for grpc-java's generated stubs. Knows nothing of containerd. */
@NullMarked
package dev.jshim.ttrpc;

import org.jspecify.annotations.NullMarked;
