// SPDX-License-Identifier: Apache-2.0
#include "train/step_inputs.h"

namespace gantry {

void StepInputs::tap(const std::string& name, const TensorRef& ref) {
  const Program& program = recorder_.program;
  taps_.push_back({program.prefix() + name, ref, program.calls().size()});
}

void StepInputs::tap(const Shown& real) {
  tap("real", real.x);
  if (real.label) tap("labels", real.label);
}

Shown StepInputs::real(int64_t first, int64_t count) {
  Shown all{recorder_.program.external("real", system_.real_data.view())};
  if (system_.sample.classes > 0) {
    all.label = recorder_.program.external("labels", system_.real_labels.view());
  }
  return all.samples(first, count);
}

Fakes StepInputs::generate(uint32_t draw, int64_t n, const TensorRef& data_labels) {
  const LatentConfig& config = system_.config.latent;
  const Player& g = system_.player("g");
  const LatentKeys keys{.seed = recorder_.seed, .id = draw};
  Fakes fakes;
  fakes.latents = record_latents(recorder_, config, n, keys);
  tap("latent", fakes.latents.z);
  if (g.takes_label()) {
    fakes.label = config.labels == LatentConfig::Labels::kData
                      ? data_labels
                      : record_labels(recorder_, system_.sample.classes, n, keys);
    tap("fake_labels", fakes.label);
  }
  fakes.pass =
      g.network.forward(recorder_, g.store, g.store.values(), g.store.state_values(),
                        g.inputs(recorder_, fakes.latents.z, fakes.label),
                        {.pass_id = draw, .reference = g.reference_refs(recorder_.program)});
  fakes.images = fakes.pass.outputs[0];
  tap("fake", fakes.images);
  return fakes;
}

Shown StepInputs::shown(const Shown& real, uint32_t noise) {
  return {noised(real.x, "real_noise", noise), real.label, {}};
}

Shown StepInputs::shown(const Fakes& fakes, uint32_t noise) {
  return {noised(fakes.images, "fake_noise", noise), fakes.label, fakes.latents.codes};
}

Shown StepInputs::joined(const Shown& real, const Shown& fake) {
  const int64_t n = real.x.shape.n, m = fake.x.shape.n;
  Shown both{recorder_.temp("real_fake", real.x.shape.with_n(n + m))};
  copy(both.x.samples(0, n), real.x, "take_real");
  copy(both.x.samples(n, m), fake.x, "take_fake");
  if (!system_.player("d").takes_label()) return both;
  both.label = recorder_.temp("real_fake_labels", {n + m, 1, 1, 1});
  copy(both.label.samples(0, n), real.label, "take_labels");
  copy(both.label.samples(n, m), fake.label, "take_fake_labels");
  return both;
}

// Instance noise (Sonderby et al. 2017) on what D sees, real and fake alike.
TensorRef StepInputs::noised(const TensorRef& images, const char* name, uint32_t draw) {
  const InstanceNoiseConfig& noise = system_.config.objective.instance_noise;
  if (noise.sigma == 0) return images;
  InstanceNoiseDesc desc{.x = images.shape,
                         .sigma = static_cast<float>(noise.sigma),
                         .until = noise.until,
                         .key = random_key(recorder_.seed, Purpose::kInstanceNoise, draw)};
  const TensorRef y = recorder_.temp(name, images.shape);
  recorder_.program.call(name, recorder_.kernels.instance_noise(desc), {y},
                         {images, recorder_.step});
  return y;
}

void StepInputs::copy(const TensorRef& to, const TensorRef& from, const char* name) {
  recorder_.program.call(name, recorder_.kernels.sum({.y = to.shape, .scale = {1.0f}}), {to},
                         {from});
}

}  // namespace gantry
