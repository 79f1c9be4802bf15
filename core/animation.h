// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/png.h"

namespace gantry {

struct AnimationTiming {
  int64_t frame_ms = 150;
  int64_t last_frame_ms = 2000;  // so that the result can be looked at before the loop restarts
};

// Animated WebP, lossless, endless loop. Frames are of one size, at least one.
std::vector<uint8_t> encode_animation(std::span<const Image> frames,
                                      const AnimationTiming& timing = {});

// The animation of PNG files (the grids of a run, in order), read one at a time: memory holds two
// frames. Written durably to `target`. Above `max_frames`, evenly spaced ones with first and last.
// Those of another size than the last, from before somebody changed the grid, are left out.
void write_animation(const std::filesystem::path& target,
                     std::span<const std::filesystem::path> frames,
                     const AnimationTiming& timing = {}, size_t max_frames = 120);

}  // namespace gantry
