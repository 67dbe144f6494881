"""Sits on a unix socket between two ttrpc peers and writes down each direction's bytes.

Usage: record.py LISTEN TARGET DIRECTORY
Connection N leaves N-client.bin (what who connected said) and N-server.bin (what was answered).
"""
import os
import socket
import sys
import threading


def copy(source, sink, path):
    with open(path, "wb", buffering=0) as record:
        while data := source.recv(65536):
            record.write(data)
            sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def main(listen, target, directory):
    if os.path.exists(listen):
        os.unlink(listen)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen)
    listener.listen()
    number = 0
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
        for source, sink, name in ((client, server, "client"), (server, client, "server")):
            path = os.path.join(directory, f"{number}-{name}.bin")
            threading.Thread(target=copy, args=(source, sink, path), daemon=True).start()
        number += 1


main(*sys.argv[1:])
