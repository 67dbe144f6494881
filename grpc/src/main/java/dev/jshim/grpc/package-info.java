/** gRPC as a transport of the shim. */
@NullMarked
package dev.jshim.grpc;

import org.jspecify.annotations.NullMarked;
