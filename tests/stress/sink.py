#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reads what comes, and sends nothing, on every port named, IPv4 and IPv6; other processes may
share the ports."""

import resource
import select
import socket
import sys


def listen(port: int) -> socket.socket:
    """A listener for both families; other processes may share its port."""
    listener = socket.create_server(
        ("::", port), family=socket.AF_INET6, backlog=4096, reuse_port=True, dualstack_ipv6=True
    )
    listener.setblocking(False)
    return listener


def serve(ports: list[int]) -> None:
    """Serves for ever."""
    listeners = {listener.fileno(): listener for listener in map(listen, ports)}
    clients: dict[int, socket.socket] = {}
    poll = select.epoll()
    for fd in listeners:
        poll.register(fd, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            try:
                if fd in listeners:
                    client, _ = listeners[fd].accept()
                    clients[client.fileno()] = client
                    poll.register(client, select.EPOLLIN)
                elif not clients[fd].recv(65536):
                    clients.pop(fd).close()
            except OSError:
                # Reset by the client; a listener stays.
                if fd in clients:
                    clients.pop(fd).close()


if __name__ == "__main__":
    # Some stay until the end: their clients' RSTs were lost in a storm.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    serve([int(port) for port in sys.argv[1:]])
