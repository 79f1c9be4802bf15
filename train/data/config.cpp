// SPDX-License-Identifier: Apache-2.0
#include "train/data/config.h"

namespace gantry {
namespace {

constexpr const char* kSources[] = {"mnist", "fashion_mnist", "idx",  "cifar10", "images",
                                    "npy",   "glyphs",        "ring", "grid"};
constexpr const char* kSplits[] = {"train", "test", "all"};

bool is_synthetic(DataSourceKind source) { return source >= DataSourceKind::kGlyphs; }

}  // namespace

void DataConfig::describe(Fields& f) {
  f.choice_of({"source", "What kind of data set to read.", true}, source, kSources);
  f.text({"path",
          "File or folder that holds the data; relative paths start at the folder in which "
          "gantry runs. Not used by the built-in sets glyphs, ring and grid."},
         path);
  f.text({"labels", "File of labels that goes with an idx or npy `path`; empty for none."}, labels);
  f.choice_of({"split", "Which part of a set that has a training and a test part."}, split,
              kSplits);
  f.reals({"range", "The values that black and white become, [low, high]."}, range, {}, 2, 2);
  f.pair({"size", "Height and width to resize images to; 0 keeps the stored size."}, size,
         {.min = 0, .max = 16384});
  f.integer({"channels", "1 for grey, 3 for colour; 0 keeps what is stored."}, channels,
            {.min = 0, .max = 3});
  f.flag({"center_crop",
          "Cut images to the aspect ratio of `size` around their centre before "
          "resizing, instead of squeezing them."},
         center_crop);
  f.flag({"flip", "Mirror each image left to right with probability 1/2."}, flip);
  f.integer({"shift", "Move each image by up to this many pixels in both directions, at random."},
            shift, {.min = 0, .max = 1024});
  f.real({"rotation", "Turn each image by up to this many degrees either way, at random."},
         rotation, {.min = 0, .max = 180});
  f.integers({"classes", "Keep only samples of these classes; empty keeps all."}, classes,
             {.min = 0}, 0, 10000);
  f.integer({"subset", "Keep only the first so many samples; 0 keeps all."}, subset, {.min = 0});
  f.flag({"shuffle", "Visit the samples in a different random order in every epoch."}, shuffle);
  f.integer({"threads",
             "Threads that prepare batches ahead of the training step; the batches are "
             "the same whatever their number."},
            threads, {.min = 1, .max = 256});
  f.integer({"modes", "ring: Gaussians on the circle; grid: Gaussians along a side."}, modes,
            {.min = 1, .max = 1000});
  f.real({"spread", "ring, grid: standard deviation of each Gaussian."}, spread, {.min = 0});
  f.integer({"samples", "glyphs, ring, grid: how many samples the set has."}, samples, {.min = 1});
  f.require(range[0] < range[1], "range", "the first value must be below the second");
  f.require(channels != 2, "channels", "must be 0 (as stored), 1 (grey) or 3 (colour)");
  f.require(is_synthetic(source) || !path.empty(), "path",
            "this source reads files: say where they are");
}

}  // namespace gantry
