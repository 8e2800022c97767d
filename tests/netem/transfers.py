#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Transfers over the network that run.sh has set up, what they came to, and how fast they were.

transfers.py each NAME MOST: downloads and uploads of TLS 1.2 and 1.3, each of as many megabytes as
    fit into NETEM_SECONDS, up to MOST. Fails unless what arrives is what was sent, and nothing was
    condemned.
transfers.py ratio NAME PORT WAY WHERE NETEM...: NETEM_PAIRS runs with the helper (on the port) and
    without it (8000 above), in turn, over a network that shape.sh impairs so. The speeds fail
    nothing.

Both append their figures to the file NETEM_TOLD. NETEM_FOLDER has the data that nginx serves.
"""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tlsnet import MODULE, SERVER, KernelLog, counters

FOLDER = Path(os.environ["NETEM_FOLDER"])
TOLD = Path(os.environ["NETEM_TOLD"])
SECONDS = int(os.environ["NETEM_SECONDS"])
PAIRS = int(os.environ["NETEM_PAIRS"])
SHAPE = Path(__file__).with_name("shape.sh")

MEGABYTE = 1_000_000
# In megabytes: what all of the data is, and the least that is sent.
FULL, LEAST = 100, 5
PATIENCE = "3600"
ADDRESS = SERVER[socket.AF_INET]
SHOWN = ("gaps_skipped", "ooo_passed", "ooo_dropped", "retransmissions", "truncated")
RESENT = ("TcpRetransSegs", "TcpExtTCPTimeouts", "TcpExtTCPLossProbes")


def tell(line: str) -> None:
    """Leaves a line for whoever watches."""
    with TOLD.open("a", encoding="utf-8") as file:
        print(line, file=file)


# --- one transfer -----------------------------------------------------------


def on(namespace: str, *words: str) -> str:
    """Runs a command in a namespace: what it prints."""
    command = ["ip", "netns", "exec", namespace, *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def curl(tls: str, url: str, *words: str) -> str:
    """Runs curl for the URL of the server, with that version of TLS only."""
    version = [f"--tlsv{tls}", "--tls-max", tls]
    return on(
        "client",
        "curl",
        "-sSk",
        "--fail",
        "--max-time",
        PATIENCE,
        *version,
        *words,
        f"https://{ADDRESS}:{url}",
    )


def check_same(path: Path, size: int) -> None:
    """Fails unless the file holds so many bytes of the data, and no more."""
    with (FOLDER / "www/data").open("rb") as data, path.open("rb") as arrived:
        whole = hashlib.sha256(data.read(size)).digest()
        if hashlib.file_digest(arrived, "sha256").digest() != whole:
            raise AssertionError("other bytes arrived than were sent")


def download(tls: str, port: int, size: int) -> int:
    """Fetches so many bytes: how many came in a second."""
    got = FOLDER / "got"
    speed = curl(
        tls, f"{port}/data", "-r", f"0-{size - 1}", "-o", str(got), "-w", "%{speed_download}"
    )
    check_same(got, size)
    return int(float(speed))


def upload(tls: str, port: int, size: int) -> int:
    """Sends so many bytes: the bytes per second. nginx answers with the file that it keeps them in."""
    put = FOLDER / "put"
    with (FOLDER / "www/data").open("rb") as data:
        put.write_bytes(data.read(size))
    answer = curl(tls, f"{port}/upload", "-H", "Expect:", "-T", str(put), "-w", " %{speed_upload}")
    kept, speed = answer.rsplit(maxsplit=1)
    check_same(Path(kept.strip()), size)
    Path(kept.strip()).unlink()
    return int(float(speed))


WAYS = {"download": download, "upload": upload}


# --- what was counted meanwhile ---------------------------------------------


def grown(before: dict[str, int], names: tuple[str, ...]) -> str:
    """How much the helper's counters have grown, as words."""
    now = counters()
    return " ".join(f"{name}={now[name] - before[name]}" for name in names)


def resent() -> Counter[str]:
    """What TCP has sent again so far on both ends, and how often only after its timer ran out."""
    total: Counter[str] = Counter()
    for namespace in ("client", "server"):
        found = json.loads(on(namespace, "nstat", "-jasz", *RESENT))["kernel"]
        total.update({name: int(found[name]) for name in RESENT})
    return total


# --- each -------------------------------------------------------------------


def choose_size(speed: int, most: int) -> int:
    """How many megabytes to transfer; all of the data if that is allowed."""
    if most == FULL:
        return FULL
    return max(LEAST, min(most, speed * SECONDS // MEGABYTE))


def transfer(name: str, way: str, tls: str, most: int) -> None:
    """One transfer, after a small one that says how fast it will be."""
    before = counters()
    speed = WAYS[way](tls, 443, LEAST * MEGABYTE)
    size = choose_size(speed, most)
    if size > LEAST:
        speed = WAYS[way](tls, 443, size * MEGABYTE)
    tell(f"{name}: TLS {tls} {way}: {size} MB, {speed // 1000} kB/s, {grown(before, SHOWN)}")


def each(name: str, most: str) -> None:
    """All transfers, of which none may be condemned."""
    log = KernelLog()
    for tls in ("1.2", "1.3"):
        for way in WAYS:
            before = counters()["condemned"]
            transfer(name, way, tls, int(most))
            if counters()["condemned"] != before:
                log.read()
                raise AssertionError(
                    "\n".join(["condemned:", *filter(re.compile(MODULE).search, log.lines)])
                )


# --- ratio ------------------------------------------------------------------


@dataclass
class Run:
    """How fast a run was, and what was sent again."""

    speed: int
    resent: Counter[str]


def shape(*words: str) -> None:
    """Impairs the network."""
    subprocess.run([str(SHAPE), *words], check=True)


def timed(way: str, port: int, size: int) -> Run:
    """One run."""
    before = resent()
    speed = WAYS[way]("1.3", port, size)
    return Run(speed, resent() - before)


def tell_runs(arm: str, runs: list[Run]) -> None:
    """The figures of each run, and what was sent again in all."""
    total = sum((run.resent for run in runs), Counter())
    speeds = " ".join(str(run.speed // 1000) for run in runs)
    again, timeouts, probes = (total[name] for name in RESENT)
    tell(f"{arm}: {speeds} kB/s; sent again {again}, timers run out {timeouts}, probes {probes}")


def ratio(name: str, port_text: str, way: str, *network: str) -> None:
    """Medians of alternating runs; both runs of a pair have the same seed for netem."""
    port = int(port_text)
    shape(*network)
    speed = WAYS[way]("1.3", 8000 + port, LEAST * MEGABYTE)
    size = min(max(speed * SECONDS, LEAST * MEGABYTE), FULL * MEGABYTE)
    before = counters()
    arms: dict[str, list[Run]] = {"with": [], "without": []}
    for seed in range(1, PAIRS + 1):
        for arm, its_port in (("with", port), ("without", 8000 + port)):
            shape(*network, "seed", str(seed))
            arms[arm].append(timed(way, its_port, size))
    middle = {arm: median(run.speed for run in runs) for arm, runs in arms.items()}
    tell(
        f"{name}: with {middle['with'] / 1000:.0f} kB/s, without {middle['without'] / 1000:.0f} kB/s, "
        f"ratio {middle['with'] / middle['without']:.2f} (medians of {PAIRS} runs of {size // MEGABYTE} MB)"
    )
    tell(f"helper: {grown(before, SHOWN)}")
    for arm, runs in arms.items():
        tell_runs(arm, runs)
    shape("clear")


if __name__ == "__main__":
    {"each": each, "ratio": ratio}[sys.argv[1]](*sys.argv[2:])
