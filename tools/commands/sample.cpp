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
#include "train/config_file.h"
#include "train/gan_state.h"
#include "train/run_dir.h"
#include "train/sampler.h"

namespace gantry {
namespace {

struct SampleArguments {
  std::string run, out = "samples.png", grid = "8x8", weights = "auto";
  int64_t seed = 0, count = 0, step = -1, interpolate = 0;
};

struct Grid {
  int64_t rows = 8, columns = 8;
};

Grid parse_grid(const std::string& text) {
  Grid grid;
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
  if (known && !arguments.out.empty()) return;
  throw ConfigError(concat("--out \"", arguments.out, "\": ",
                           arguments.interpolate > 0
                               ? "--interpolate makes an animation; end it in .webp"
                               : "end it in .png (a grid), .npy (an array), .webp (with "
                                 "--interpolate), or name a folder for single images"));
}

bool wants_ema(const SampleArguments& arguments, const Gan& gan) {
  const bool has = gan.g_optimizer.has_ema();
  if (arguments.weights == "ema" && !has) {
    throw ConfigError("--weights ema: this run keeps no moving average (train.ema.decay is 0)");
  }
  return has && arguments.weights != "raw";
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

// Everything that turns a run into samples.
class SampleWriter {
 public:
  SampleWriter(const SampleArguments& arguments, Gan& gan, Stream& stream)
      : arguments_(arguments),
        gan_(gan),
        grid_(parse_grid(arguments.grid)),
        range_{gan.config.data.range[0], gan.config.data.range[1]},
        sampler_(gan, stream, std::min<int64_t>(64, samples()), wants_ema(arguments, gan)) {}

  void write() {
    const std::filesystem::path out = arguments_.out;
    const std::string extension = out.extension().string();
    if (arguments_.interpolate > 0) {
      write_interpolation(out);
    } else if (extension == ".png") {
      write_png(out, picture_of(draw(), gan_.sample, range_, grid_.columns));
    } else if (extension == ".npy") {
      write_npy(out, {samples(), gan_.sample.h, gan_.sample.w, gan_.sample.c}, draw());
    } else {
      write_singles(out);
    }
  }

 private:
  int64_t samples() const {
    return arguments_.count > 0 ? arguments_.count : grid_.rows * grid_.columns;
  }

  std::vector<float> draw() {
    return sampler_.images(
        sampler_.draw_latents(static_cast<uint64_t>(arguments_.seed), 0, samples()));
  }

  void write_singles(const std::filesystem::path& folder) {
    make_folders(folder);
    const std::vector<Image> tiles = to_tiles(draw(), gan_.sample, range_);
    for (size_t i = 0; i < tiles.size(); ++i) {
      std::string number = std::to_string(i);
      number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
      write_png(folder / (number + ".png"), tiles[i]);
    }
  }

  // Each tile of the grid walks from one latent to another and back to the start.
  void write_interpolation(const std::filesystem::path& out) {
    const auto seed = static_cast<uint64_t>(arguments_.seed);
    const int64_t n = samples();
    const std::vector<float> all = sampler_.draw_latents(seed, 0, 2 * n);
    const auto half = static_cast<ptrdiff_t>(all.size() / 2);
    const auto size = static_cast<ptrdiff_t>(gan_.latent_shape(1).elements());
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
      frames.push_back(picture_of(sampler_.images(latents), gan_.sample, range_, grid_.columns));
    }
    write_file_atomically(out, encode_animation(frames, {.frame_ms = 60, .last_frame_ms = 60}));
  }

  const SampleArguments& arguments_;
  Gan& gan_;
  Grid grid_;
  ValueRange range_;
  Sampler sampler_;
};

Checkpoint load(const SampleArguments& arguments, CheckpointStore& store) {
  if (arguments.step >= 0) return store.load_step(static_cast<uint64_t>(arguments.step));
  if (auto latest = store.load_latest()) return std::move(*latest);
  throw CheckpointError(concat(arguments.run, " has no checkpoint yet"));
}

int sample(const SampleArguments& arguments) {
  check_out(arguments);
  Log log(stderr);
  const RunDir run = RunDir::view(arguments.run);
  LoadedConfig loaded = load_config(run.config().string());
  Backend backend = open_backend(loaded.config.backend, static_cast<int>(loaded.config.threads));
  CheckpointStore store(run.checkpoints(), log);
  const Checkpoint checkpoint = load(arguments, store);
  const std::unique_ptr<Stream> stream = backend.device->make_stream();
  const std::string place = store.path_of(checkpoint.step).string();
  Gan gan(std::move(loaded.config), sample_shape(checkpoint, place), backend);
  restore_gan(gan, *stream, checkpoint, place);
  SampleWriter(arguments, gan, *stream).write();
  log.info("wrote   ", arguments.out, " from step ", checkpoint.step);
  return 0;
}

}  // namespace

Action declare_sample(CLI::App& app) {
  auto arguments = std::make_shared<SampleArguments>();
  app.add_option("RUN", arguments->run, "Run directory.")->required();
  app.add_option("--out", arguments->out,
                 "NAME.png: a grid; NAME.npy: an array n,h,w,c; NAME.webp with --interpolate; a "
                 "name without extension: a folder of single images.")
      ->capture_default_str();
  app.add_option("--grid", arguments->grid, "Rows x columns.")->capture_default_str();
  app.add_option("--count", arguments->count, "Samples (default: as many as the grid has).")
      ->check(CLI::Range(1, 10000000));
  app.add_option("--seed", arguments->seed, "Names the sequence of latents.")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--step", arguments->step, "Checkpoint to use (default: the latest).")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--weights", arguments->weights,
                 "raw, ema, or auto: the moving average where the run keeps one.")
      ->check(CLI::IsMember({"auto", "raw", "ema"}))
      ->capture_default_str();
  app.add_option("--interpolate", arguments->interpolate,
                 "Frames of a walk between latents, as an animation.")
      ->check(CLI::Range(2, 10000));
  app.footer(
      "Examples:\n"
      "  gantry sample runs/0001-quickstart --grid 10x10 --seed 7 --out digits.png\n"
      "  gantry sample runs/0001-quickstart --count 1000 --out digits.npy\n"
      "  gantry sample runs/0001-quickstart --interpolate 30 --grid 4x8 --out walk.webp");
  return [arguments] { return sample(*arguments); };
}

}  // namespace gantry
