# SPDX-License-Identifier: Apache-2.0
"""An Ethernet switch whose wires can be bad: one TAP device per port, to be moved into the network
namespaces of hosts. Works where the kernel has no netem.

  switch.py PORT ...     makes the devices and forwards every frame from one to all others

Standard input takes one command a line, from then on for every frame: `delay SECONDS`,
`loss PROBABILITY`, `cut PORT` (nothing to or from it), `mend`. "ready" is printed once the devices
are there, and each command after it holds.
"""
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class Switch:
    def __init__(self, names):
        self.ports = {open_tap(name): name for name in names}
        self.delay, self.loss, self.cut = 0.0, 0.0, set()
        self.waiting = []  # (when due, order, port, frame)
        self.order = 0
        self.random = random.Random(1)

    def obey(self, line):
        command, *values = line.split()
        if command == "delay":
            self.delay = float(values[0])
        elif command == "loss":
            self.loss = float(values[0])
        elif command == "cut":
            self.cut.add(values[0])
        elif command == "mend":
            self.delay, self.loss, self.cut = 0.0, 0.0, set()
        else:
            raise SystemExit(f"switch.py: no command {command}")
        print(line.strip(), flush=True)

    def receive(self, source):
        frame = os.read(source, 65536)
        for port, name in self.ports.items():
            if port == source or self.cut & {name, self.ports[source]}:
                continue
            if self.random.random() >= self.loss:
                self.order += 1
                heapq.heappush(self.waiting,
                               (time.monotonic() + self.delay, self.order, port, frame))

    def deliver(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(self.waiting)
            try:
                os.write(port, frame)
            except OSError:  # the device is down, or full
                pass

    def run(self):
        while True:
            due = max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            for ready in select.select([*self.ports, sys.stdin], [], [], due)[0]:
                if ready is not sys.stdin:
                    self.receive(ready)
                elif line := os.read(0, 1024).decode():
                    self.obey(line)
                else:
                    return
            self.deliver()


if __name__ == "__main__":
    switch = Switch(sys.argv[1:])
    print("ready", flush=True)
    switch.run()
