# SPDX-License-Identifier: Apache-2.0
"""Reads configs, and has Gantry fill in what a config leaves out."""

import json
import subprocess


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def resolve(gantry, path, overrides=()):
    """The text of the config with every key: what an objective's name stands for is Gantry's to say.

    Raises RuntimeError with what Gantry has against the config.
    """
    command = [gantry, "check", path, *overrides, "--print-config"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.strip())
    return answer.stdout
