package dev.jshim.node;

import com.google.protobuf.Any;

/** An event as containerd passes it on. */
public record ContainerdEvent(String namespace, String topic, Any event) {}
