#!/usr/bin/python3
import socket
import sys

for arg in sys.argv[1:]:
    name, address = arg.split("=")
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=5)
        print(name, "open", sep="=")
    except OSError:
        print(name, "closed", sep="=")
