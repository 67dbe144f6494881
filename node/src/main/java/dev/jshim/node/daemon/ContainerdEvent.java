package dev.jshim.node.daemon;

import com.google.protobuf.Any;

/** An event as containerd passes it on. */
public record ContainerdEvent(String namespace, String topic, Any event) {}
