// SPDX-License-Identifier: Apache-2.0
#include "train/data/config.h"

#include "core/error.h"

namespace gantry {
namespace {

constexpr const char* kSources[] = {"mnist",  "fashion_mnist", "stacked_mnist", "idx",  "cifar10",
                                    "images", "npy",           "glyphs",        "ring", "grid"};
constexpr const char* kSplits[] = {"train", "test", "all"};
constexpr const char* kFits[] = {"cover", "stretch"};
constexpr const char* kBadImages[] = {"error", "skip"};
constexpr const char* kLayouts[] = {"nhwc", "nchw"};
constexpr IntRange kSides{.min = 0, .max = 16384};
constexpr int64_t kStacked = 128000;  // the size of the set in VEEGAN and PacGAN

DataSourceKind source_of(const std::string& name) {
  size_t i = 0;
  while (i < std::size(kSources) && name != kSources[i]) ++i;
  GANTRY_CHECK(i < std::size(kSources), "no data source ", name);
  return static_cast<DataSourceKind>(i);
}

bool is_gaussians(DataSourceKind source) {
  return source == DataSourceKind::kRing || source == DataSourceKind::kGrid;
}

}  // namespace

const char* data_source_name(DataSourceKind source) {
  return kSources[static_cast<size_t>(source)];
}

bool is_synthetic(DataSourceKind source) { return source >= DataSourceKind::kGlyphs; }

bool is_digits(DataSourceKind source) { return source <= DataSourceKind::kStackedMnist; }

void DataConfig::describe(Fields& f) {
  std::string selected = data_source_name(source);
  f.variant(
      {"source",
       "What kind of data set to read: mnist and fashion_mnist (a folder with the four files of "
       "the set), stacked_mnist (three random MNIST digits as the channels of one image, of the "
       "class 100 a + 10 b + c), idx (one file of images), cifar10 (binary version, folder or "
       ".tar.gz), images "
       "(PNG and JPEG in a folder, .zip, .tar or .tar.gz), npy (.npy or .npz), or a built-in set: "
       "glyphs (drawn characters), ring and grid (two-dimensional Gaussians).",
       true},
      selected, kSources,
      [this](const std::string& name) {
        source = source_of(name);
        modes = source == DataSourceKind::kGrid ? 5 : 8;
        spread = source == DataSourceKind::kGrid ? 0.05 : 0.02;
        if (source == DataSourceKind::kStackedMnist) samples = kStacked;
      },
      [this](Fields& g) {
        describe_source(g);
        if (!is_gaussians(source)) {
          describe_images(g);
          describe_augment(g);
        }
      });
  describe_selection(f);
}

void DataConfig::describe_source(Fields& f) {
  if (!is_synthetic(source)) {
    f.text({"path",
            "File or folder that holds the data; relative paths start at the folder in which "
            "gantry runs.",
            true},
           path);
    f.require(!path.empty(), "path", "this source reads files: say where they are");
  }
  if (is_digits(source) || source == DataSourceKind::kCifar10 ||
      source == DataSourceKind::kImages) {
    f.choice_of({"split",
                 "Which part of the set. mnist and its likes: the files train-* (60,000 samples), "
                 "the files t10k-* (10,000), or both; cifar10: data_batch_1 to 5 (50,000), "
                 "test_batch (10,000), or both; images: the folder train or test at the top, "
                 "without such folders everything."},
                split, kSplits);
  }
  if (source == DataSourceKind::kIdx) {
    f.text({"labels", "IDX file of labels that goes with `path`; empty for none."}, labels);
  }
  if (source == DataSourceKind::kNpy) {
    f.text({"labels",
            "Where the labels are: a .npy file, or the name of an array of the .npz; empty for "
            "none."},
           labels);
    f.text({"array", "Name of the array of samples in a .npz; empty if it holds only one."}, array);
    f.choice_of({"layout", "Order of the axes of an array with four."}, layout, kLayouts);
    f.reals({"value_range",
             "The stored values that become `range`. Default: [0, 255] for bytes; floats are taken "
             "as they are."},
            value_range, {}, 0, 2);
    f.require(value_range.empty() || (value_range.size() == 2 && value_range[0] < value_range[1]),
              "value_range", "must be [low, high] with low below high");
  }
  if (source == DataSourceKind::kGlyphs) {
    f.integer({"glyphs", "Classes: 10 for the digits, up to 36 with the letters A to Z."}, glyphs,
              {.min = 1, .max = 36});
    f.real({"jitter",
            "Strength of the random scaling, rotation, slant, offset and line width of each glyph; "
            "0 for none."},
           jitter, {.min = 0, .max = 2});
  }
  if (is_gaussians(source)) {
    const bool ring = source == DataSourceKind::kRing;
    f.integer(
        {"modes", ring ? "Gaussians on the circle." : "Gaussians along a side of the square."},
        modes, {.min = 1, .max = 1000});
    f.real({"extent", ring ? "Radius of the circle." : "Distance between neighbours."}, extent,
           {.min = 0});
    f.real({"spread", "Standard deviation of each Gaussian."}, spread, {.min = 0});
  }
  if (is_synthetic(source) || source == DataSourceKind::kStackedMnist) {
    f.integer({"samples", "How many samples the set has."}, samples,
              {.min = 1, .max = int64_t{1} << 31});
  }
}

void DataConfig::describe_images(Fields& f) {
  if (source != DataSourceKind::kStackedMnist) {
    f.integer({"channels",
               "1 for grey, 3 for colour; 0 for what is stored: grey only where every image is. "
               "Colour becomes grey as 0.299 R + 0.587 G + 0.114 B, grey becomes three equal "
               "channels."},
              channels, {.min = 0, .max = 3});
    f.require(channels != 2, "channels", "must be 0 (as stored), 1 (grey) or 3 (colour)");
  }
  f.pair(
      {"center_crop", "Height and width to cut out around the centre before resizing; 0 for none."},
      center_crop, kSides);
  f.pair({"size",
          "Height and width to resize to (bilinear, antialiased); 0 keeps the stored size, which "
          "must then be one for all images."},
         size, kSides);
  f.choice_of({"fit",
               "How another aspect ratio is brought to `size`: cover scales until both sides are "
               "covered and crops around the centre, stretch distorts."},
              fit, kFits);
  if (source != DataSourceKind::kImages) return;
  f.integers({"background", "Red, green and blue behind transparent pixels."}, background,
             {.min = 0, .max = 255}, 3, 3);
  f.choice_of(
      {"on_bad", "What to do about an image that cannot be decoded: stop, or leave it out."},
      on_bad, kBadImages);
  f.integer({"max_bad", "skip: stop all the same when more images than this are bad."}, max_bad,
            {.min = 0});
}

void DataConfig::describe_augment(Fields& f) {
  f.flag({"flip", "Mirror each image left to right with probability 1/2."}, augment.flip);
  f.flag({"vertical_flip", "Mirror each image top to bottom with probability 1/2."},
         augment.vertical_flip);
  f.real({"rotation", "Turn each image by up to this many degrees either way, at random."},
         augment.rotation, {.min = 0, .max = 180});
  f.integer({"shift", "Move each image by up to this many pixels in both directions, at random."},
            augment.shift, {.min = 0, .max = 1024});
  f.pair({"random_crop",
          "Height and width of a window cut out of each (resized) image at a random place; 0 for "
          "none."},
         augment.random_crop, kSides);
  f.integer({"fill", "Stored value, 0 to 255, of what rotation and shift bring in from outside."},
            augment.fill, {.min = 0, .max = 255});
}

void DataConfig::describe_selection(Fields& f) {
  f.reals(
      {"range", "The values that black and white become, [low, high]; ring and grid ignore it."},
      range, {}, 2, 2);
  f.require(range.size() == 2 && range[0] < range[1], "range",
            "the first value must be below the second");
  f.integers({"classes",
              "Keep only samples of these classes, which are numbered anew in this order; empty "
              "keeps all."},
             classes, {.min = 0}, 0, 10000);
  f.integer({"skip", "Leave out the first so many samples."}, skip, {.min = 0});
  f.integer({"subset", "Keep only so many samples after that; 0 keeps all."}, subset, {.min = 0});
  f.flag({"shuffle", "Visit the samples in a different random order in every epoch."}, shuffle);
  f.integer({"memory_mb", "Refuse a set that takes more megabytes than this when decoded."},
            memory_mb, {.min = 1, .max = int64_t{1} << 24});
  f.flag({"on_device",
          "Keep the decoded set in a GPU's memory, where steps read it without the host, if it is "
          "of bytes, not rotated, and takes at most a quarter of what is free. The batches are the "
          "same."},
         on_device);
  f.integer({"prefetch_threads",
             "Threads that prepare batches ahead of the training step; the batches are the same "
             "whatever their number. 0 prepares them in the step."},
            prefetch_threads, {.min = 0, .max = 256});
  f.integer({"prefetch_depth", "Batches held ready."}, prefetch_depth, {.min = 2, .max = 1024});
}

}  // namespace gantry
