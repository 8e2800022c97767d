#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Returns what it reads, on every port named, IPv4 and IPv6."""

import asyncio
import sys


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float = 0
) -> None:
    """Writes what it reads, so many seconds later, until there is no more."""
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(ports: list[int]) -> None:
    """Listens for ever."""
    for port in ports:
        for host in ("0.0.0.0", "::"):
            await asyncio.start_server(carry, host, port, reuse_address=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main([int(port) for port in sys.argv[1:]]))
