// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/latents.h"
#include "train/objective.h"
#include "train/training_step.h"

namespace gantry {

// What D is shown, in packs of objective.packing samples, the class of each sample and what its
// codes say, where there are any.
struct Shown {
  TensorRef x, label{};
  TensorRefs codes{};
  TensorRef augmentation{};  // rows of kernels/ops/augment.h; empty: x is not augmented

  Shown samples(int64_t first, int64_t count) const {
    return {x.samples(first, count), label ? label.samples(first, count) : TensorRef{}};
  }
};

// Generated samples, what they were made from and G's pass.
struct Fakes {
  NetworkPass pass;
  Latents latents;
  TensorRef images, label{};
};

// What a step feeds the networks: real samples, generated ones, augmentation of and noise on both;
// and the taps that let it be seen.
class StepInputs {
 public:
  StepInputs(System& system, Recorder& recorder, std::vector<Tap>& taps)
      : system_(system), recorder_(recorder), taps_(taps) {}

  void tap(const std::string& name, const TensorRef& ref);
  void tap(const Shown& real);

  // Of the step's real samples.
  Shown real(int64_t first, int64_t count);
  // G's samples from draws of their own, told apart by `draw`. `data_labels`: the classes that G
  // is asked for where latent.labels is "data".
  Fakes generate(uint32_t draw, int64_t n, const TensorRef& data_labels);
  // As D sees them: augmented, then with instance noise, both told apart by `draw`; then packed
  // (Lin et al. 2018): samples m j, ..., m j + m - 1 are one input, m times the channels.
  Shown shown(const Shown& real, uint32_t draw);
  Shown shown(const Fakes& fakes, uint32_t draw);
  // `count` samples of known class, and how D sees them.
  Shown labelled(int64_t count);
  Shown shown_labelled(const Shown& labelled, uint32_t draw);
  // The same augmented once more, as objective.consistency says.
  Shown again(const Shown& real, uint32_t draw);
  // From gradients with respect to what was shown, that with respect to what it was made from.
  // dx: through D; `direct`: of the loss itself, where it has any.
  TensorRef unshown(const Shown& shown, const TensorRef& dx, const GradientSum& direct);
  // One batch [real; fake].
  Shown joined(const Shown& real, const Shown& fake);

 private:
  TensorRef drawn(const AugmentationSizes& sizes, const Shape& images, bool adaptive,
                  uint32_t draw);
  TensorRef augmented(const TensorRef& images, const AugmentationSizes& sizes,
                      const TensorRef& rows);
  Shown seen(Shown shown, const std::string& side, uint32_t draw);
  TensorRef noised(const TensorRef& images, const std::string& name, uint32_t draw);
  TensorRef packed(const TensorRef& images);
  TensorRef unpacked(const TensorRef& packs);
  TensorRef rejoined(const TensorRef& from, const Shape& cut, const Shape& seen);
  void copy(const TensorRef& to, const TensorRef& from, const char* name);

  System& system_;
  Recorder& recorder_;
  std::vector<Tap>& taps_;
};

}  // namespace gantry
