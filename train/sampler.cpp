// SPDX-License-Identifier: Apache-2.0
#include "train/sampler.h"

#include <algorithm>

#include "train/host_copy.h"

namespace gantry {
namespace {

// The first two coordinates of each sample as dark points on white, y upwards.
Image scatter(const std::vector<float>& samples, int64_t dimensions) {
  constexpr int64_t kSize = 384;
  constexpr float kExtent = 2;
  Image image(kSize, kSize, 1, 255);
  const auto stride = static_cast<size_t>(dimensions);
  for (size_t i = 0; i + stride <= samples.size(); i += stride) {
    const float x = samples[i], y = dimensions > 1 ? samples[i + 1] : 0;
    const auto column = static_cast<int64_t>((x + kExtent) / (2 * kExtent) * kSize);
    const auto row = static_cast<int64_t>((kExtent - y) / (2 * kExtent) * kSize);
    for (int64_t r = row - 1; r <= row + 1; ++r) {
      for (int64_t c = column - 1; c <= column + 1; ++c) {
        if (r < 0 || r >= kSize || c < 0 || c >= kSize) continue;
        image.pixels[static_cast<size_t>(r * kSize + c)] = 40;
      }
    }
  }
  return image;
}

}  // namespace

Sampler::Sampler(Gan& gan, Stream& stream, int64_t batch, bool ema)
    : gan_(gan),
      stream_(stream),
      batch_(batch),
      latents_(*gan.backend.device, gan.latent_shape(batch), gan.backend.kernels->real()),
      images_(*gan.backend.device, gan.sample.with_n(batch), gan.backend.kernels->real()) {
  Program program = record_sampling(gan, ema, latents_.view(), images_.view());
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*gan.backend.device, plan.arena_bytes);
  replay_ = std::make_unique<Replay>(std::move(program), std::move(plan), std::move(arena));
}

std::vector<float> Sampler::draw_latents(uint64_t seed, uint32_t first, int64_t count) {
  Device& device = *gan_.backend.device;
  Tensor drawn(device, gan_.latent_shape(count), gan_.backend.kernels->real());
  Tensor step(device, vector_shape(1), DType::kI64);
  RandomDesc desc = latent_draw(gan_.config.latent, count, random_key(seed, Purpose::kSample));
  desc.first_sample = first;
  const KernelPtr kernel = gan_.backend.kernels->random(desc);
  const TensorView args[] = {drawn.view(), step.view()};
  const Memory scratch(device, kernel->scratch_bytes());
  kernel->run(stream_, args, scratch.data());
  const std::vector<double> values = read_reals(device, stream_, drawn.view());
  return {values.begin(), values.end()};
}

std::vector<float> Sampler::images(const std::vector<float>& latents) {
  Device& device = *gan_.backend.device;
  const auto size = static_cast<size_t>(gan_.latent_shape(1).elements());
  const auto pixels = static_cast<size_t>(gan_.sample.elements());
  GANTRY_CHECK(latents.size() % size == 0, latents.size(), " values for latents of ", size);
  const size_t count = latents.size() / size;
  const auto batch = static_cast<size_t>(batch_);
  std::vector<float> result(count * pixels);
  std::vector<float> part(batch * size);
  for (size_t first = 0; first < count; first += batch) {
    const size_t now = std::min(batch, count - first);
    const auto begin = latents.begin() + static_cast<ptrdiff_t>(first * size);
    std::copy(begin, begin + static_cast<ptrdiff_t>(now * size), part.begin());
    write_reals(device, stream_, latents_.view(), part);
    replay_->run(stream_);
    const std::vector<double> made = read_reals(device, stream_, images_.view());
    std::copy(made.begin(), made.begin() + static_cast<ptrdiff_t>(now * pixels),
              result.begin() + static_cast<ptrdiff_t>(first * pixels));
  }
  return result;
}

std::vector<Image> to_tiles(const std::vector<float>& images, const Shape& sample,
                            const ValueRange& range) {
  const auto pixels = static_cast<size_t>(sample.elements());
  std::vector<Image> tiles;
  for (size_t first = 0; first + pixels <= images.size(); first += pixels) {
    tiles.push_back(to_image(images.data() + first, sample.h, sample.w, sample.c, range));
  }
  return tiles;
}

Image picture_of(const std::vector<float>& images, const Shape& sample, const ValueRange& range,
                 int64_t columns) {
  if (sample.pixels() == 1) return scatter(images, sample.c);
  constexpr int64_t kTileSize = 64;  // tiles smaller than half of it are enlarged
  const int64_t factor = std::max<int64_t>(1, kTileSize / std::max(sample.h, sample.w));
  return enlarge(compose_grid(to_tiles(images, sample, range), columns), factor);
}

}  // namespace gantry
