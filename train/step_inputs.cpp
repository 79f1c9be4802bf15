// SPDX-License-Identifier: Apache-2.0
#include "train/step_inputs.h"

#include "train/score_terms.h"

namespace gantry {
namespace {

// Draws of one step are told apart by these ids; part of the reproducibility contract.
constexpr uint32_t kSecondLooks = 1u << 20;

}  // namespace

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

Shown StepInputs::shown(const Shown& real, uint32_t draw) {
  return seen({real.x, real.label}, "real", draw);
}

Shown StepInputs::shown(const Fakes& fakes, uint32_t draw) {
  return seen({fakes.images, fakes.label, fakes.latents.codes}, "fake", draw);
}

Shown StepInputs::labelled(int64_t count) {
  const Shown all{recorder_.temp("labelled", system_.sample.shape.with_n(count)),
                  recorder_.temp("labelled_labels", {count, 1, 1, 1})};
  system_.labelled->record(
      recorder_, recorder_.program.external("position", system_.position.view()), all.x, all.label);
  return all;
}

Shown StepInputs::shown_labelled(const Shown& labelled, uint32_t draw) {
  tap("labelled", labelled.x);
  tap("labelled_labels", labelled.label);
  return seen(labelled, "labelled", draw);
}

Shown StepInputs::seen(Shown shown, const std::string& side, uint32_t draw) {
  const AugmentationConfig& config = system_.config.objective.augmentation;
  if (config.any()) {
    shown.augmentation = drawn(config.sizes, shown.x.shape, config.adaptive(), draw);
    tap("augmentation_" + side, shown.augmentation);
    shown.x = augmented(shown.x, config.sizes, shown.augmentation);
  }
  shown.x = packed(noised(shown.x, side + "_noise", draw));
  return shown;
}

Shown StepInputs::again(const Shown& real, uint32_t draw) {
  const AugmentationSizes& sizes = system_.config.objective.consistency.sizes;
  const TensorRef rows = drawn(sizes, real.x.shape, false, kSecondLooks + draw);
  tap("augmentation", rows);
  return {augmented(real.x, sizes, rows), real.label};
}

TensorRef StepInputs::unshown(const Shown& shown, const TensorRef& dx, const GradientSum& direct) {
  if (direct.written(0)) {
    recorder_.program.call("add_direct", recorder_.kernels.sum({dx.shape, {1}, true}), {},
                           {direct.sum(0)}, {dx});
  }
  const TensorRef of_samples = unpacked(dx);
  if (!shown.augmentation) return of_samples;
  const float cutout = static_cast<float>(system_.config.objective.augmentation.sizes.cutout);
  const TensorRef back = recorder_.temp("d_image", of_samples.shape);
  const AugmentDesc desc{of_samples.shape, cutout};
  recorder_.program.call("augment_back", recorder_.kernels.augment(desc, LinearPass::kBackward),
                         {back}, {of_samples, shown.augmentation});
  return back;
}

// Of DiffAugment (Zhao et al. 2020) or ADA (Karras et al. 2020), for each sample by itself.
TensorRef StepInputs::drawn(const AugmentationSizes& sizes, const Shape& images, bool adaptive,
                            uint32_t draw) {
  const AugmentDrawDesc desc{.n = images.n,
                             .h = images.h,
                             .w = images.w,
                             .brightness = static_cast<float>(sizes.brightness),
                             .saturation = static_cast<float>(sizes.saturation),
                             .contrast = static_cast<float>(sizes.contrast),
                             .translation = static_cast<float>(sizes.translation),
                             .cutout = static_cast<float>(sizes.cutout),
                             .adaptive = adaptive,
                             .key = random_key(recorder_.seed, Purpose::kDiffAugment, draw),
                             .first_sample = recorder_.first_sample};
  TensorRefs inputs = {recorder_.step};
  if (adaptive) {
    inputs.push_back(recorder_.program.external(kAugmentationProbability,
                                                system_.kept(kAugmentationProbability)));
  }
  const TensorRef rows = recorder_.temp("augmentation", {images.n, kAugmentNumbers, 1, 1});
  recorder_.program.call("augment_draw", recorder_.kernels.augment_draw(desc), {rows}, inputs);
  return rows;
}

TensorRef StepInputs::augmented(const TensorRef& images, const AugmentationSizes& sizes,
                                const TensorRef& rows) {
  const AugmentDesc desc{images.shape, static_cast<float>(sizes.cutout)};
  const TensorRef y = recorder_.temp("augmented", images.shape);
  recorder_.program.call("augment", recorder_.kernels.augment(desc, LinearPass::kForward), {y},
                         {images, rows});
  return y;
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
TensorRef StepInputs::noised(const TensorRef& images, const std::string& name, uint32_t draw) {
  const InstanceNoiseConfig& noise = system_.config.objective.instance_noise;
  if (noise.sigma == 0) return images;
  InstanceNoiseDesc desc{.x = images.shape,
                         .sigma = static_cast<float>(noise.sigma),
                         .until = noise.until,
                         .key = random_key(recorder_.seed, Purpose::kInstanceNoise, draw),
                         .first_sample = recorder_.first_sample};
  const TensorRef y = recorder_.temp(name, images.shape);
  recorder_.program.call(name, recorder_.kernels.instance_noise(desc), {y},
                         {images, recorder_.step});
  return y;
}

TensorRef StepInputs::packed(const TensorRef& images) {
  const int64_t packs = images.shape.n / system_.config.objective.packing;
  const Shape seen = system_.sample.shape.with_n(packs), cut{packs, seen.per_sample(), 1, 1};
  return rejoined(images, cut, seen).reshaped(system_.judged_shape().with_n(packs));
}

TensorRef StepInputs::unpacked(const TensorRef& packs) {
  const Shape cut = system_.sample.shape.with_n(packs.shape.n);
  const int64_t samples = packs.shape.n * system_.config.objective.packing;
  return rejoined(packs, cut, {cut.n, cut.per_sample(), 1, 1}).reshaped(cut.with_n(samples));
}

// `from` holds objective.packing parts of shape `cut` beside each other along the channels: the
// same with parts of shape `seen`. Where these are alike in memory nothing is to be done.
TensorRef StepInputs::rejoined(const TensorRef& from, const Shape& cut, const Shape& seen) {
  const auto count = static_cast<size_t>(system_.config.objective.packing);
  if (count == 1 || system_.sample.shape.pixels() == 1) return from;
  const ConcatDesc apart{std::vector<Shape>(count, cut)}, together{std::vector<Shape>(count, seen)};
  const Shape whole{cut.n, cut.c * system_.config.objective.packing, cut.h, cut.w};
  TensorRefs parts(count);
  for (TensorRef& part : parts) part = recorder_.temp("pack_part", cut);
  recorder_.program.call("pack_split",
                         recorder_.kernels.channel_concat(apart, LinearPass::kBackward), parts,
                         {from.reshaped(whole)});
  for (TensorRef& part : parts) part = part.reshaped(seen);
  const TensorRef joined =
      recorder_.temp("packed", {seen.n, seen.c * system_.config.objective.packing, seen.h, seen.w});
  recorder_.program.call("pack_join",
                         recorder_.kernels.channel_concat(together, LinearPass::kForward), {joined},
                         parts);
  return joined;
}

void StepInputs::copy(const TensorRef& to, const TensorRef& from, const char* name) {
  recorder_.program.call(name, recorder_.kernels.sum({.y = to.shape, .scale = {1.0f}}), {to},
                         {from});
}

}  // namespace gantry
