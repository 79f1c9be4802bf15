// SPDX-License-Identifier: Apache-2.0
// gantry sample
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "core/animation.h"
#include "core/atomic_file.h"
#include "core/npy.h"
#include "core/png.h"
#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_run.h"
#include "train/code_walk.h"
#include "train/picture.h"
#include "train/sampler.h"

namespace gantry {
namespace {

struct SampleArguments {
  std::string run, out = "samples.png", grid, vary, weights = "auto";
  std::vector<int64_t> labels;
  int64_t seed = 0, count = 0, step = -1, interpolate = 0;
};

struct Grid {
  int64_t rows = 8, columns = 8;
};

// Without --grid: 8x8, or a column for each class that G can be asked for or the code has.
Grid grid_of(const SampleArguments& arguments, const System& system) {
  const std::string& text = arguments.grid;
  Grid grid;
  if (text.empty()) {
    const int64_t values = arguments.vary.empty()
                               ? system.classes_of_samples()
                               : CodeWalk(system.config.latent, arguments.vary).columns();
    return {8, values > 0 ? values : 8};
  }
  char end = 0;
  if (std::sscanf(text.c_str(), "%ldx%ld%c", &grid.rows, &grid.columns, &end) != 2 ||
      grid.rows < 1 || grid.columns < 1 || grid.rows > 1000 || grid.columns > 1000) {
    throw ConfigError(concat("--grid ", text, ": write rows x columns, like 8x8"));
  }
  return grid;
}

// Before anything is loaded: the name says what to write, and must agree with --interpolate.
void check_out(const SampleArguments& arguments) {
  const std::string extension = std::filesystem::path(arguments.out).extension().string();
  const bool known = arguments.interpolate > 0
                         ? extension == ".webp"
                         : extension == ".png" || extension == ".npy" || extension.empty();
  if (known && extension.empty() && !arguments.out.empty()) require_no_run(arguments.out);
  if (!arguments.vary.empty() && (extension != ".png" || arguments.interpolate > 0)) {
    throw ConfigError(concat("--vary makes a grid: end --out \"", arguments.out,
                             "\" in .png, without --interpolate"));
  }
  if (known && !arguments.out.empty()) return;
  throw ConfigError(concat("--out \"", arguments.out, "\": ",
                           arguments.interpolate > 0
                               ? "--interpolate makes an animation; end it in .webp"
                               : "end it in .png (a grid), .npy (an array), .webp (with "
                                 "--interpolate), or name a folder for single images"));
}

void check_labels(const SampleArguments& arguments, const System& system) {
  if (arguments.labels.empty()) return;
  const int64_t classes = system.classes_of_samples();
  if (classes == 0) {
    throw ConfigError("--label: the generator of this run takes no labels");
  }
  for (const int64_t label : arguments.labels) {
    if (label < classes) continue;
    throw ConfigError(concat("--label ", label, ": this run has the classes 0 to ", classes - 1));
  }
}

// Points on the great circle from a to b (Shoemake 1985), which keeps the norm that G expects.
std::vector<float> interpolate(const std::vector<float>& a, const std::vector<float>& b, double t) {
  double dot = 0, norm_a = 0, norm_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    norm_a += double{a[i]} * a[i];
    norm_b += double{b[i]} * b[i];
  }
  const double cosine = std::clamp(dot / std::sqrt(norm_a * norm_b + 1e-30), -1.0, 1.0);
  const double angle = std::acos(cosine);
  const double weight_a = angle < 1e-6 ? 1 - t : std::sin((1 - t) * angle) / std::sin(angle);
  const double weight_b = angle < 1e-6 ? t : std::sin(t * angle) / std::sin(angle);
  std::vector<float> result(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    result[i] = static_cast<float>(weight_a * a[i] + weight_b * b[i]);
  }
  return result;
}

// Everything that turns a run into samples. Arrays and single images are made part by part, so
// that memory does not limit their number; a picture must be held whole.
class SampleWriter {
 public:
  SampleWriter(const SampleArguments& arguments, System& system, Stream& stream,
               const DataSource* data)
      : arguments_(arguments),
        system_(system),
        grid_(grid_of(arguments, system)),
        range_{system.config.data.range[0], system.config.data.range[1]},
        picture_(system.sample.shape, range_, data),
        sampler_(system, stream, std::min<int64_t>(64, samples()),
                 wants_ema(arguments.weights, system)) {
    check_labels(arguments, system);
  }

  void write() {
    const std::filesystem::path out = arguments_.out;
    const std::string extension = out.extension().string();
    if (arguments_.interpolate > 0) {
      write_interpolation(out);
    } else if (!arguments_.vary.empty()) {
      write_walk(out);
    } else if (extension == ".png") {
      write_picture(out);
    } else if (extension == ".npy") {
      write_array(out);
    } else {
      write_singles(out);
    }
  }

 private:
  int64_t samples() const {
    return arguments_.count > 0 ? arguments_.count : grid_.rows * grid_.columns;
  }
  uint64_t seed() const { return static_cast<uint64_t>(arguments_.seed); }

  // Calls use(first, values) for samples first, first + 1, ...
  template <typename Use>
  void draw_parts(int64_t count, const Use& use) {
    constexpr int64_t kValues = int64_t{1} << 24, kMost = 1024;
    const int64_t batch = sampler_.batch();
    const int64_t part =
        std::max(batch, std::min(kMost, kValues / system_.sample.shape.elements()) / batch * batch);
    for (int64_t first = 0; first < count; first += part) {
      const int64_t now = std::min(part, count - first);
      const std::vector<float> latents =
          sampler_.draw_latents(seed(), static_cast<uint32_t>(first), now);
      use(first, sampler_.images(latents, labels(first, now)));
    }
  }

  // A picture lies in memory as floats, as tiles and as itself, a few times its pixels.
  void require_size(int64_t count, int64_t frames) const {
    const auto [width, height] = picture_.size(count, grid_.columns);
    const bool animation = arguments_.interpolate > 0;
    const int64_t side = animation ? 16383 : 100000;  // of WebP; of any use
    const int64_t most = animation ? 400000000 : 100000000;
    if (width <= side && height <= side && width * height <= most / frames) return;
    throw MemoryError(concat(
        "--out ", arguments_.out, ": ", count, " samples of ", system_.sample.shape.h, " x ",
        system_.sample.shape.w, " make ", frames > 1 ? concat(frames, " pictures") : "a picture",
        " of ", width, " x ", height, " pixels (width x height); the limit is ", most,
        " pixels in all and ", side, " to a side. Choose a smaller --grid or --count",
        animation ? ", or fewer frames with --interpolate"
                  : "; an array (--out NAME.npy) or a folder (--out NAME) may hold any number"));
  }

  void write_picture(const std::filesystem::path& out) {
    const int64_t count = arguments_.count > 0 ? arguments_.count : picture_.samples(samples());
    require_size(count, 1);
    std::vector<float> all;
    draw_parts(count, [&](int64_t, const std::vector<float>& values) {
      all.insert(all.end(), values.begin(), values.end());
    });
    write_png(out, picture_.draw(all, grid_.columns));
  }

  void write_array(const std::filesystem::path& out) {
    NpyWriter array(
        out, {samples(), system_.sample.shape.h, system_.sample.shape.w, system_.sample.shape.c});
    draw_parts(samples(), [&](int64_t, const std::vector<float>& values) { array.write(values); });
    array.commit();
  }

  // Those asked for, or all, over and over: in a picture column by column.
  std::vector<float> labels(int64_t first, int64_t count) const {
    const int64_t classes = system_.classes_of_samples();
    std::vector<float> result;
    if (classes == 0) return result;
    const auto asked = static_cast<int64_t>(arguments_.labels.size());
    const std::string extension = std::filesystem::path(arguments_.out).extension().string();
    const bool picture = extension == ".png" || extension == ".webp";
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t place = picture ? i % grid_.columns : i;
      result.push_back(static_cast<float>(
          asked > 0 ? arguments_.labels[static_cast<size_t>(place % asked)] : place % classes));
    }
    return result;
  }

  void write_singles(const std::filesystem::path& folder) {
    make_folders(folder);
    draw_parts(samples(), [&](int64_t first, const std::vector<float>& values) {
      const std::vector<Image> tiles = to_tiles(values, system_.sample.shape, range_);
      for (size_t i = 0; i < tiles.size(); ++i) {
        std::string number = std::to_string(static_cast<size_t>(first) + i);
        number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
        write_png(folder / (number + ".png"), tiles[i]);
      }
    });
  }

  // A row is one latent, whose code takes another value in each column.
  void write_walk(const std::filesystem::path& out) {
    const CodeWalk walk(system_.config.latent, arguments_.vary);
    const int64_t count = grid_.rows * grid_.columns;
    require_size(count, 1);
    const std::vector<float> rows = sampler_.draw_latents(seed(), 0, grid_.rows);
    const auto size = static_cast<ptrdiff_t>(system_.latent_shape(1).elements());
    std::vector<float> latents;
    for (int64_t i = 0; i < count; ++i) {
      const auto row = rows.begin() + static_cast<ptrdiff_t>(i / grid_.columns) * size;
      latents.insert(latents.end(), row, row + size);
      walk.set(&*(latents.end() - size), i % grid_.columns, grid_.columns);
    }
    write_png(out, picture_.draw(sampler_.images(latents, labels(0, count)), grid_.columns));
  }

  // Each tile of the grid walks from one latent to another and back to the start; its class stays.
  void write_interpolation(const std::filesystem::path& out) {
    const int64_t n = samples();
    require_size(n, 2 * arguments_.interpolate);
    const std::vector<float> all = sampler_.draw_latents(seed(), 0, 2 * n);
    const auto half = static_cast<ptrdiff_t>(all.size() / 2);
    const auto size = static_cast<ptrdiff_t>(system_.latent_shape(1).elements());
    std::vector<Image> frames;
    for (int64_t frame = 0; frame < 2 * arguments_.interpolate; ++frame) {
      const double turn = static_cast<double>(frame) / static_cast<double>(arguments_.interpolate);
      const double t = turn <= 1 ? turn : 2 - turn;
      std::vector<float> latents;
      for (ptrdiff_t i = 0; i < half; i += size) {
        const std::vector<float> a(all.begin() + i, all.begin() + i + size);
        const std::vector<float> b(all.begin() + half + i, all.begin() + half + i + size);
        const std::vector<float> z = interpolate(a, b, t);
        latents.insert(latents.end(), z.begin(), z.end());
      }
      frames.push_back(picture_.draw(sampler_.images(latents, labels(0, n)), grid_.columns));
    }
    write_file_atomically(out, encode_animation(frames, {.frame_ms = 60, .last_frame_ms = 60}));
  }

  const SampleArguments& arguments_;
  System& system_;
  Grid grid_;
  ValueRange range_;
  Picture picture_;
  Sampler sampler_;
};

// What a plot of points is drawn over. A data set that is gone is no reason not to sample.
std::unique_ptr<DataSource> open_points(DataConfig config, uint64_t seed, Log& log) {
  try {
    constexpr int64_t kEnough = 100000;
    if (is_synthetic(config.source)) config.samples = std::min(config.samples, kEnough);
    return open_data(config, seed);
  } catch (const Error& error) {
    log.warning("drawn without the points of the data: ", error.what());
    return nullptr;
  }
}

int sample(const SampleArguments& arguments) {
  check_out(arguments);
  Log log(stderr);
  OpenRun open = open_run(arguments.run, arguments.step, log);
  require_generator(arguments.run, *open.system);
  const System& system = *open.system;
  const bool points = system.sample.shape.pixels() == 1;
  const auto data = points ? open_points(system.config.data, system.seed(), log) : nullptr;
  SampleWriter(arguments, *open.system, *open.stream, data.get()).write();
  log.info("wrote   ", arguments.out, " from step ", open.step);
  return 0;
}

}  // namespace

Action declare_sample(CLI::App& app) {
  auto arguments = std::make_shared<SampleArguments>();
  app.add_option("RUN", arguments->run, "Run directory.")
      ->required()
      ->check(not_empty("the folder of a run, such as runs/0001-quickstart"));
  app.add_option("--out", arguments->out,
                 "NAME.png: a grid; NAME.npy: an array n,h,w,c; NAME.webp with --interpolate; a "
                 "name without extension: a folder of single images.")
      ->capture_default_str();
  app.add_option("--grid", arguments->grid,
                 "Rows x columns (default: 8x8, or a column a class where the run has labels).");
  app.add_option("--count", arguments->count,
                 "Samples (default: as many as the grid has; of points, 2000 for a picture).")
      ->check(integer_from(1, 10000000));
  app.add_option(
         "--label,--labels", arguments->labels,
         "The class to make, or several for the columns in turn: 3 or 0,1,2 (default: all).")
      ->delimiter(',')
      ->check(integer_from(0));
  app.add_option("--seed", arguments->seed, "Names the sequence of latents.")
      ->check(integer_from(0))
      ->capture_default_str();
  app.add_option("--step", arguments->step, "Checkpoint to use (default: the latest).")
      ->check(integer_from(0));
  app.add_option("--weights", arguments->weights,
                 "raw, ema, or auto: the moving average where the run keeps one.")
      ->check(CLI::IsMember({"auto", "raw", "ema"}))
      ->capture_default_str();
  app.add_option("--vary", arguments->vary,
                 "Name of a code (latent.codes): each row is one latent, each column another value "
                 "of the code.");
  app.add_option("--interpolate", arguments->interpolate,
                 "Frames of a walk between latents, as an animation.")
      ->check(integer_from(2, 10000));
  app.footer(
      "Examples:\n"
      "  gantry sample runs/0001-quickstart --grid 10x10 --seed 7 --out digits.png\n"
      "  gantry sample runs/0001-quickstart --count 1000 --out digits.npy\n"
      "  gantry sample runs/0003-infogan-mnist --vary slant --grid 6x10 --out slant.png\n"
      "  gantry sample runs/0002-cgan --labels 3,5,8 --grid 6x3 --out some.png\n"
      "  gantry sample runs/0001-quickstart --interpolate 30 --grid 4x8 --out walk.webp");
  return [arguments] { return sample(*arguments); };
}

}  // namespace gantry
