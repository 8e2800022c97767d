#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A condemned connection ends at both ends, and its ports are free again."""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import tlsnet
from tlsnet import SERVER, KernelLog, Ktap, client_of, counters, pair, receive_exactly, reset

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
NOT_TLS = b"GET / HTTP/1.0\r\n\r\n"
# An alert in the clear breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"
ROUTER = {socket.AF_INET: "10.0.2.1", socket.AF_INET6: "2001:db8:2::1"}
# The server sees the router's address, and the client connects to an address that no host has.
NAT = """table inet translate {
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 10.0.9.9 dnat ip to 10.0.2.2
        ip6 daddr 2001:db8:9::9 dnat ip6 to 2001:db8:2::2
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname s0 masquerade
    }
}
"""
NOBODY = {socket.AF_INET: "10.0.9.9", socket.AF_INET6: "2001:db8:9::9"}
# The README's rule.
REJECT = """table inet marked {
    chain forward {
        type filter hook forward priority filter
        meta l4proto tcp ct mark and 0x10 == 0x10 reject with tcp reset
    }
}
"""
# An end that drops RSTs.
DEAF = """table inet deaf {
    chain input {
        type filter hook input priority filter
        tcp flags & rst == rst drop
    }
}
"""
NO_DATA = DEAF.replace("deaf", "no_data").replace("rst == rst", "(psh | ack) == psh | ack")


def run(namespace: str, *command: str, text: str | None = None) -> str:
    """Runs a command in a namespace."""
    full = ["ip", "netns", "exec", namespace, *command]
    return subprocess.run(full, input=text, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def ruleset(namespace: str, rules: str) -> Iterator[None]:
    """Loads rules in a namespace, and removes them."""
    table = " ".join(rules.split()[1:3])
    run(namespace, "nft", "-f", "-", text=rules)
    try:
        yield
    finally:
        run(namespace, "nft", "delete", "table", *table.split())


def is_reset(sock: socket.socket) -> None:
    """Waits for the end of a connection by a RST."""
    try:
        data = sock.recv(1)
    except ConnectionResetError:
        return
    raise AssertionError(f"{data!r} came instead of a reset")


def entry(port: int) -> str:
    """The router's conntrack line of a client's port."""
    lines = [
        run("router", "conntrack", "-L", "-f", family, "-p", "tcp", "--orig-port-src", str(port))
        for family in ("ipv4", "ipv6")
    ]
    return "".join(lines)


def lives_on(port: int) -> None:
    """Fails unless the entry's time is about that of an established connection: five days."""
    line = entry(port)
    match = re.match(r"tcp\s+6\s+(\d+)", line)
    if not match or int(match[1]) < 100000:
        raise AssertionError(f"conntrack forgets the connection soon: {line}")


def connected(
    family: socket.AddressFamily,
    address: str,
    source: str = "client",
    server: tuple[str, str] | None = None,
) -> tuple[socket.socket, socket.socket]:
    """A connection from a namespace to an address of the server: its namespace and address."""
    namespace, own = server or ("server", SERVER[family])
    with tlsnet.netns(namespace):
        listener = socket.create_server((own, 8443), family=family)
    with listener, tlsnet.netns(source):
        listener.settimeout(tlsnet.TIMEOUT)
        client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(tlsnet.TIMEOUT)
        client.connect((address, 8443))
        accepted, _ = listener.accept()
        accepted.settimeout(tlsnet.TIMEOUT)
    return client, accepted


def both_ends(family: socket.AddressFamily) -> None:
    """Both ends see a reset, and not a byte of what broke the rule."""
    before = counters()["resets"]
    client, server = pair(family)
    client.sendall(NOT_TLS)
    is_reset(client)
    is_reset(server)
    if counters()["resets"] - before < 2:
        raise AssertionError("the counter of resets did not go up by 2")
    lives_on(client_of(client)[1])


def by_the_server(family: socket.AddressFamily) -> None:
    """The same when the server breaks the rule."""
    client, server = pair(family)
    server.sendall(NOT_TLS)
    is_reset(server)
    is_reset(client)


def through_nat(family: socket.AddressFamily) -> None:
    """Each end gets a reset from the address that it knows."""
    with ruleset("router", NAT):
        client, server = connected(family, NOBODY[family])
        if server.getpeername()[0] != ROUTER[family]:
            raise AssertionError(f"no NAT: the server sees {server.getpeername()}")
        client.sendall(NOT_TLS)
        is_reset(client)
        is_reset(server)


def own_connection(family: socket.AddressFamily) -> None:
    """An end on the router itself."""
    client, server = connected(family, SERVER[family], source="router")
    client.sendall(NOT_TLS)
    is_reset(client)
    is_reset(server)


def shell(commands: str) -> None:
    """Runs commands, a line each."""
    for command in commands.strip().splitlines():
        subprocess.run(command.split(), check=True, capture_output=True)


def over_a_bridge(family: socket.AddressFamily) -> None:
    """A bridge without routes: iptables sees its packets, and each end is reset by its own port."""
    ends = {socket.AF_INET: ("10.0.7.1", "10.0.7.2"), socket.AF_INET6: ("fd00:7::1", "fd00:7::2")}
    left, right = ends[family]
    shell("""
        modprobe br_netfilter
        ip netns add left
        ip netns add right
        ip netns add middle
        ip -n middle link add br0 type bridge
        ip -n middle link set br0 up
    """)
    try:
        for name, address in (("left", left), ("right", right)):
            prefix = 24 if family == socket.AF_INET else 64
            nodad = "" if family == socket.AF_INET else " nodad"
            shell(f"""
                ip -n {name} link add eth0 type veth peer name {name} netns middle
                ip -n {name} addr add {address}/{prefix} dev eth0{nodad}
                ip -n {name} link set eth0 up
                ip -n middle link set {name} master br0 up
            """)
        for table in ("iptables", "ip6tables"):
            run("middle", "sysctl", "-qw", f"net.bridge.bridge-nf-call-{table}=1")
            run(
                "middle",
                table,
                "-A",
                "FORWARD",
                "-m",
                "conntrack",
                "--ctstate",
                "INVALID",
                "-j",
                "DROP",
            )
        client, server = connected(family, right, "left", ("right", right))
        client.sendall(NOT_TLS)
        is_reset(client)
        is_reset(server)
        if counters("middle")["resets"] < 2:
            raise AssertionError("the bridge's namespace has not counted the resets")
    finally:
        for name in ("left", "right", "middle"):
            subprocess.run(["ip", "netns", "del", name], check=True)


def is_reachable(family: socket.AddressFamily) -> bool:
    """Whether the server answers the client: here by a RST, as nobody listens."""
    with tlsnet.netns("client"), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect((SERVER[family], 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def await_route(family: socket.AddressFamily) -> None:
    """Waits for a route: an IPv6 address that comes back is not used at once."""
    tlsnet.wait_until(lambda: is_reachable(family), "a route")


def within_a_vrf(family: socket.AddressFamily) -> None:
    """The router's devices belong to a VRF, and its main table leads nowhere."""
    shell("ip -n router link add vrf0 type vrf table 100\nip -n router link set vrf0 up")
    try:
        for device in ("c0", "s0"):
            run("router", "sysctl", "-qw", f"net.ipv6.conf.{device}.keep_addr_on_down=1")
            shell(f"ip -n router link set {device} master vrf0")
        await_route(family)
        client, server = connected(family, SERVER[family])
        client.sendall(NOT_TLS)
        is_reset(client)
        is_reset(server)
    finally:
        shell("ip -n router link del vrf0")
    await_route(family)


def missed(family: socket.AddressFamily) -> None:
    """A server that missed its reset gets another one for the next segment that it sends."""
    client, server = pair(family)
    with ruleset("server", DEAF):
        client.sendall(NOT_TLS)
        is_reset(client)
    server.sendall(RECORD)
    is_reset(server)


def middle_of_a_train(family: socket.AddressFamily) -> None:
    """A reset beyond what the server expects draws an ACK, which has the right number."""
    client, server = pair(family)
    with ruleset("server", NO_DATA):
        client.sendall(RECORD)
        client.sendall(NOT_TLS)
        is_reset(client)
        is_reset(server)


def deaf_client(family: socket.AddressFamily) -> None:
    """A client that gets no reset sends again: no byte passes, and the entry stays, REJECT or not."""
    with ruleset("client", DEAF), ruleset("router", REJECT):
        client, server = pair(family)
        client.sendall(NOT_TLS)
        is_reset(server)
        tlsnet.wait_until(lambda: tlsnet.retransmits(client) >= 2, "the second retransmission")
        lives_on(client_of(client)[1])
        reset(client)


def port_again(family: socket.AddressFamily) -> None:
    """The same port serves a new connection at once, REJECT rule or not."""
    with ruleset("router", REJECT):
        client, server = pair(family)
        client.sendall(NOT_TLS)
        is_reset(client)
        is_reset(server)
        port = client_of(client)[1]
        client.close()
        server.close()
        client, server = pair(family, source=port)
        client.sendall(RECORD)
        if receive_exactly(server, len(RECORD)) != RECORD:
            raise AssertionError("the record did not arrive")
        if "mark=0 " not in entry(port):
            raise AssertionError(f"still marked: {entry(port)}")
        reset(client)
        reset(server)


def silent(family: socket.AddressFamily) -> None:
    """With reset=0, neither end gets a reset."""
    client, server = pair(family)
    client.sendall(NOT_TLS)
    tlsnet.swallowed((client, server), (server, client))
    lives_on(client_of(client)[1])
    reset(client)
    reset(server)


TESTS: dict[str, Callable[[socket.AddressFamily], None]] = {
    "both ends are reset": both_ends,
    "the server's breach resets both ends": by_the_server,
    "both ends are reset through NAT": through_nat,
    "an end on the router is reset": own_connection,
    "both ends are reset over a bridge": over_a_bridge,
    "a reset that was missed comes again": missed,
    "a reset in the middle of a train": middle_of_a_train,
    "a deaf client gets nothing through": deaf_client,
    "the port can be used again": port_again,
    "both ends are reset within a VRF": within_a_vrf,
}


def main() -> int:
    """Runs each test over each family."""
    ktap = Ktap((len(TESTS) + 1) * len(FAMILIES))
    tlsnet.load(ports="443,8443", mark="0x10")
    log = KernelLog()
    for name, test in TESTS.items():
        for version, family in FAMILIES.items():
            ktap.check(f"{version}: {name}", partial(test, family))
    log.close()
    tlsnet.load(reset=0)
    for version, family in FAMILIES.items():
        ktap.check(f"{version}: reset=0 drops in silence", partial(silent, family))
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
