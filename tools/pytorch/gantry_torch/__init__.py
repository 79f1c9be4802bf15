# SPDX-License-Identifier: Apache-2.0
"""Gantry's networks and training steps, built in PyTorch from the same JSON files.

Written from the documentation, not from the C++: it is the witness that replays a trace
(replay.py) and the peer that the benchmark is held against (bench.py).
"""
