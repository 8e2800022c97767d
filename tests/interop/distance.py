#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""distance.py PORT SERVER_PORT SECONDS: forwards connections to a server, and delays its answers.

On the loopback a server may answer before its client can make a false start (RFC 7918).
"""

import asyncio
import sys

from echo import carry

ADDRESS = "127.0.0.1"


async def main(port: int, server_port: int, delay: float) -> None:
    """Serves until killed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(ADDRESS, server_port)
        await asyncio.gather(carry(reader, requests), carry(answers, writer, delay))

    async with await asyncio.start_server(connected, ADDRESS, port) as listener:
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
