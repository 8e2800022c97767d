#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""table.py PACKETS LOAD=FILE...: instructions per packet and function, from callgrind's files.

Below each table stand the kernel's functions that the module calls. What those run is not counted.
"""

import re
import sys
from collections import Counter

# Of main.c: what stands for the kernel, and what wraps the module.
KERNEL = {
    "_raw_spin_lock_bh",
    "_raw_spin_unlock_bh",
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "nf_ct_seq_offset",
    "skb_prepare_seq_read",
    "skb_seq_read",
    "skb_abort_seq_read",
    "skb_copy_bits",
}
HARNESS = {"measured", "packet_data", "memcpy"}


def read(path: str) -> Counter[str]:
    """Instructions of each function's own, of a file without line numbers."""
    own: Counter[str] = Counter()
    names: dict[str, str] = {}
    function = ""
    of_call = False
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            named = re.match(r"(c?)fn=\((\d+)\)(?: (.*))?$", line)
            if named:
                called, number, name = named.groups()
                if name:
                    names[number] = name
                if not called:
                    function = names[number]
            elif line.startswith("calls="):
                # The next line is what the call took, which its function has, too.
                of_call = True
            elif re.match(r"[+\-*\d]", line):
                if not of_call:
                    own[function] += int(line.split()[1])
                of_call = False
    return own


def short(name: str) -> str:
    """A function's name, without what is the same in all of them."""
    return re.sub(r"nf_conntrack_tls::|tls_parser::", "", name)


def main() -> None:
    """Prints a table for each load."""
    packets = int(sys.argv[1])
    for argument in sys.argv[2:]:
        load, path = argument.split("=", 1)
        own = read(path)
        module = Counter(
            {
                name: count
                for name, count in own.items()
                if name not in KERNEL | HARNESS and not name.startswith("0x")
            }
        )
        print(f"\n{load}: {module.total() / packets:.0f} instructions a packet in the module")
        for name, count in module.most_common():
            if count:
                print(f"{count / packets:7.1f}  {short(name)}")
        print(
            f"calls of the kernel: {', '.join(sorted(name for name in KERNEL if own[name])) or 'none'}"
        )


if __name__ == "__main__":
    main()
