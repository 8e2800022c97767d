#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Carries local connections on to a server, the first bytes in the SYN: TCP Fast Open.

Python's ssl cannot write before the connection stands, so this does.
"""

import asyncio
import socket
import sys

PORT = 443


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Writes what it reads, until there is no more."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:  # the other side has gone
        writer.close()


async def carry_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: opened by what the client says first."""
    first = await reader.read(1 << 16)
    raw = socket.socket()
    raw.sendto(first, socket.MSG_FASTOPEN, (sys.argv[1], PORT))
    raw.setblocking(False)
    far_reader, far_writer = await asyncio.open_connection(sock=raw)
    await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
    far_writer.close()
    writer.close()


async def main() -> None:
    """Listens for ever."""
    await asyncio.start_server(carry_on, "127.0.0.1", PORT, reuse_address=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
