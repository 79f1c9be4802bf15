// SPDX-License-Identifier: Apache-2.0
#include "train/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/host_parallel.h"
#include "core/philox.h"

namespace gantry {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int64_t kGlyphSide = 28;

// Strokes as points "xy" on a grid of 5 x 7, y downwards; a blank lifts the pen.
constexpr const char* kStrokes[36] = {
    "103041453616050110",                // 0
    "112026 1636",                       // 1
    "01103041420646",                    // 2
    "0110304142334445361605 1333",       // 3
    "36300444",                          // 4
    "400003334445361605",                // 5
    "4130100105163645443303",            // 6
    "004016",                            // 7
    "13020110304142331304051636454433",  // 8
    "4313020110304145361605",            // 9
    "062046 1434",                       // A
    "06003041423303 3344453606",         // B
    "4130100105163645",                  // C
    "00062644422000",                    // D
    "40000646 0333",                     // E
    "400006 0333",                       // F
    "41301001051636454323",              // G
    "0006 4046 0343",                    // H
    "1030 2026 1636",                    // I
    "4045361605",                        // J
    "0006 400346",                       // K
    "000646",                            // L
    "0600234046",                        // M
    "06004640",                          // N
    "20424426040220",                    // O
    "06003041423303",                    // P
    "20424426040220 3446",               // Q
    "06003041423303 2346",               // R
    "41301001024445361605",              // S
    "0040 2026",                         // T
    "000516364540",                      // U
    "002640",                            // V
    "0016233640",                        // W
    "0046 4006",                         // X
    "002340 2326",                       // Y
    "00400646",                          // Z
};

struct Point {
  double x, y;
};

struct Segment {
  Point from;
  double dx, dy;
  double per_length2;  // 1 / (dx^2 + dy^2)
};

std::vector<Segment> segments_of(const char* strokes) {
  std::vector<Segment> segments;
  for (const char* at = strokes; at[0] != 0;) {
    const bool segment = at[2] != 0 && at[2] != ' ';
    if (segment) {
      const double dx = at[2] - at[0], dy = at[3] - at[1];
      segments.push_back(
          {{double(at[0] - '0'), double(at[1] - '0')}, dx, dy, 1 / (dx * dx + dy * dy)});
    }
    at += segment || at[2] == 0 ? 2 : 3;
  }
  return segments;
}

double distance_to(Point p, const std::vector<Segment>& segments) {
  double nearest2 = 1e18;
  for (const Segment& s : segments) {
    const double x = p.x - s.from.x, y = p.y - s.from.y;
    const double along = std::clamp((x * s.dx + y * s.dy) * s.per_length2, 0.0, 1.0);
    const double off_x = x - along * s.dx, off_y = y - along * s.dy;
    nearest2 = std::min(nearest2, off_x * off_x + off_y * off_y);
  }
  return std::sqrt(nearest2);
}

// Eight uniform draws in [-1, 1) of one sample.
std::array<double, 8> draws(uint32_t sample) {
  const RandomKey key = random_key(0, Purpose::kSynthetic, 0);
  std::array<double, 8> values;
  for (uint32_t i = 0; i < 8; ++i) {
    values[i] = 2.0 * uniform01(random_block(key, 0, sample, i / 4).v[i % 4]) - 1.0;
  }
  return values;
}

}  // namespace

Image draw_glyph(int64_t glyph, uint32_t sample, double jitter, int64_t height, int64_t width) {
  std::array<double, 8> u = draws(sample);
  for (double& value : u) value *= jitter;
  // From the middle of the grid to the middle of the picture; the glyph takes 5/7 of the side.
  const double unit = static_cast<double>(std::min(height, width)) / 8.4;
  const double scale_x = unit * (1 + 0.15 * u[0]), scale_y = unit * (1 + 0.15 * u[1]);
  const double angle = 15 * u[2] * kPi / 180, slant = 0.2 * u[3];
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double move_x = 0.06 * u[4] * static_cast<double>(width);
  const double move_y = 0.06 * u[5] * static_cast<double>(height);
  const double half_line = 0.45 * (1 + 0.3 * u[6]);
  const std::vector<Segment> segments = segments_of(kStrokes[glyph]);
  Image image(width, height, 1);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double from_x = static_cast<double>(x) + 0.5 - static_cast<double>(width) / 2 - move_x;
      const double from_y = static_cast<double>(y) + 0.5 - static_cast<double>(height) / 2 - move_y;
      const double turned_x = cosine * from_x + sine * from_y;
      const double turned_y = cosine * from_y - sine * from_x;
      const double grid_y = turned_y / scale_y, grid_x = turned_x / scale_x + slant * grid_y;
      const double distance = distance_to({grid_x + 2, grid_y + 3}, segments);
      const double cover = std::clamp((half_line - distance) * unit + 0.5, 0.0, 1.0);
      image.pixels[y * width + x] = static_cast<uint8_t>(std::floor(255 * cover + 0.5));
    }
  }
  return image;
}

SampleSet make_glyphs(const DataConfig& config) {
  const int64_t height = config.size[0] > 0 ? config.size[0] : kGlyphSide;
  const int64_t width = config.size[1] > 0 ? config.size[1] : kGlyphSide;
  SampleStore store(config, "glyphs");
  store.reserve(config.samples, {1, 1, height, width});
  constexpr int64_t kAtOnce = 256;
  std::vector<Image> drawn(kAtOnce);
  for (int64_t first = 0; first < config.samples; first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, config.samples - first);
    host_parallel(static_cast<size_t>(count), [&](size_t i) {
      const int64_t sample = first + static_cast<int64_t>(i);
      drawn[i] = store.prepare(draw_glyph(sample % config.glyphs, static_cast<uint32_t>(sample),
                                          config.jitter, height, width),
                               "glyphs");
    });
    for (int64_t i = 0; i < count; ++i) {
      store.append(drawn[static_cast<size_t>(i)], "glyphs",
                   static_cast<int32_t>((first + i) % config.glyphs));
    }
  }
  SampleSet set = store.take();
  for (int64_t i = 0; i < config.glyphs; ++i) {
    set.class_names.emplace_back(1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]);
  }
  set.description = "drawn glyphs";
  return set;
}

std::vector<std::array<double, 2>> gaussian_means(const DataConfig& config) {
  const bool ring = config.source == DataSourceKind::kRing;
  const int64_t classes = ring ? config.modes : config.modes * config.modes;
  const double middle = static_cast<double>(config.modes - 1) / 2;
  std::vector<std::array<double, 2>> means;
  for (int64_t mode = 0; mode < classes; ++mode) {
    const double angle = 2 * kPi * static_cast<double>(mode) / static_cast<double>(config.modes);
    const double unit_x =
        ring ? std::cos(angle) : static_cast<double>(mode % config.modes) - middle;
    const int64_t row = mode / config.modes;
    const double unit_y = ring ? std::sin(angle) : static_cast<double>(row) - middle;
    means.push_back({config.extent * unit_x, config.extent * unit_y});
  }
  return means;
}

SampleSet make_gaussians(const DataConfig& config) {
  if (config.samples > config.memory_mb * kMegabyte / 12) {
    throw MemoryError(concat(data_source_name(config.source), ": ", config.samples, " points take ",
                             config.samples / (kMegabyte / 12) + 1, " MB, but data.memory_mb = ",
                             config.memory_mb, "; raise it, or choose fewer data.samples"));
  }
  SampleSet set;
  set.sample = {1, 2, 1, 1};
  set.count = config.samples;
  const RandomKey key = random_key(0, Purpose::kSynthetic, 1);
  const std::vector<std::array<double, 2>> means = gaussian_means(config);
  for (int64_t i = 0; i < config.samples; ++i) {
    const size_t mode = static_cast<size_t>(i) % means.size();
    const PhiloxBlock block = random_block(key, 0, static_cast<uint32_t>(i), 0);
    float a = 0, b = 0;
    normal_pair(block.v[0], block.v[1], &a, &b);
    set.reals.push_back(static_cast<float>(means[mode][0] + config.spread * a));
    set.reals.push_back(static_cast<float>(means[mode][1] + config.spread * b));
    set.labels.push_back(static_cast<int32_t>(mode));
  }
  for (size_t i = 0; i < means.size(); ++i) set.class_names.push_back(std::to_string(i));
  set.description =
      config.source == DataSourceKind::kRing ? "ring of Gaussians" : "grid of Gaussians";
  return set;
}

}  // namespace gantry
