# SPDX-License-Identifier: Apache-2.0
"""Reads a config with the overrides of the command line: train.batch=4, generator.layers.0.units=8."""

import json


def load(path, overrides=()):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    for override in overrides:
        key, _, text = override.partition("=")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        *parents, last = key.split(".")
        node = config
        for name in parents:
            node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
        node[int(last) if isinstance(node, list) else last] = value
    return config
