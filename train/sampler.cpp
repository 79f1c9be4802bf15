// SPDX-License-Identifier: Apache-2.0
#include "train/sampler.h"

#include <algorithm>

#include "train/host_copy.h"
#include "train/latents.h"

namespace gantry {

Sampler::Sampler(System& system, Stream& stream, int64_t batch, bool ema)
    : system_(system),
      stream_(stream),
      batch_(batch),
      latents_(*system.backend.device, system.latent_shape(batch), system.backend.kernels->real()),
      labels_(*system.backend.device, {batch, 1, 1, 1}, system.backend.kernels->real()),
      images_(*system.backend.device, system.sample.shape.with_n(batch),
              system.backend.kernels->real()) {
  Program program = record_sampling(system, ema, latents_.view(), labels_.view(), images_.view());
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*system.backend.device, plan.arena_bytes);
  replay_ = std::make_unique<Replay>(std::move(program), std::move(plan), std::move(arena));
}

std::vector<float> Sampler::draw_latents(uint64_t seed, uint32_t first, int64_t count) {
  Device& device = *system_.backend.device;
  Tensor drawn(device, system_.latent_shape(count), system_.backend.kernels->real());
  Tensor step(device, vector_shape(1), DType::kI64);
  Program program;
  Recorder recorder{program, *system_.backend.kernels, program.external("step", step.view()), seed,
                    first};
  const Latents latents =
      record_latents(recorder, system_.config.latent, count, {.seed = seed, .of_samples = true});
  program.call("keep", recorder.kernels.sum({.y = drawn.shape(), .scale = {1.0f}}),
               {program.external("latents", drawn.view())}, {latents.z});
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(device, plan.arena_bytes);
  Replay(std::move(program), std::move(plan), std::move(arena)).run(stream_);
  const std::vector<double> values = read_reals(device, stream_, drawn.view());
  return {values.begin(), values.end()};
}

std::vector<float> Sampler::images(const std::vector<float>& latents,
                                   const std::vector<float>& labels) {
  Device& device = *system_.backend.device;
  const auto size = static_cast<size_t>(system_.latent_shape(1).elements());
  const auto pixels = static_cast<size_t>(system_.sample.shape.elements());
  GANTRY_CHECK(latents.size() % size == 0, latents.size(), " values for latents of ", size);
  const size_t count = latents.size() / size;
  const size_t labelled = system_.player("g").takes_label() ? count : 0;
  GANTRY_CHECK(labels.size() == labelled, labels.size(), " labels for ", count, " latents");
  const auto batch = static_cast<size_t>(batch_);
  std::vector<float> result(count * pixels);
  std::vector<float> part(batch * size), part_labels(batch);
  for (size_t first = 0; first < count; first += batch) {
    const size_t now = std::min(batch, count - first);
    const auto begin = latents.begin() + static_cast<ptrdiff_t>(first * size);
    std::copy(begin, begin + static_cast<ptrdiff_t>(now * size), part.begin());
    write_reals(device, stream_, latents_.view(), part);
    for (size_t i = 0; i < now && labelled > 0; ++i) part_labels[i] = labels[first + i];
    write_reals(device, stream_, labels_.view(), part_labels);
    replay_->run(stream_);
    const std::vector<double> made = read_reals(device, stream_, images_.view());
    std::copy(made.begin(), made.begin() + static_cast<ptrdiff_t>(now * pixels),
              result.begin() + static_cast<ptrdiff_t>(first * pixels));
  }
  return result;
}

}  // namespace gantry
