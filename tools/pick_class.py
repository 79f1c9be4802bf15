#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training images of one class of CIFAR-10's JPEG archive as a smaller archive.

    pick_class.py FOLDER CLASS OUT.zip    FOLDER holds *.zip with train/CLASS/NAME.jpg
"""

import glob
import os
import sys
import zipfile


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    folder, wanted, out = sys.argv[1:]
    archives = sorted(glob.glob(os.path.join(folder, "*.zip")))
    if not archives:
        print(f"pick_class: no zip in {folder}", file=sys.stderr)
        return 3
    prefix = f"train/{wanted}/"
    with zipfile.ZipFile(archives[0]) as source, zipfile.ZipFile(out, "w") as target:
        names = [name for name in sorted(source.namelist()) if name.startswith(prefix)]
        images = [name for name in names if not name.endswith("/")]
        for name in images:
            target.writestr(os.path.basename(name), source.read(name))
    print(f"{out}: {len(images)} images")
    return 0 if images else 3


if __name__ == "__main__":
    sys.exit(main())
