// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "models/layer.h"
#include "train/metric_slots.h"

namespace gantry {

// One use of an objective inside a step.
struct ObjectiveCall {
  Recorder& recorder;
  MetricSlots& metrics;
  uint32_t draw = 0;  // tells the random targets of this use from those of others in the step
  double scale = 1;   // of every loss: 1 / micro-batches, times this side's share of the batch

  // Records a call in this program.
  void record(const std::string& name, KernelPtr kernel, const TensorRefs& outputs,
              const TensorRefs& inputs, const TensorRefs& inouts = {}) const {
    recorder.program.call(name, std::move(kernel), outputs, inputs, inouts);
  }
};

// The gradient of a loss of several terms with respect to some tensors. Tensors that no term is
// about stay unwritten.
class GradientSum {
 public:
  // `sums`: where the gradients go, one tensor for each.
  explicit GradientSum(TensorRefs sums) : sums_(std::move(sums)), written_(sums_.size()) {}

  // Adds a term about tensor i. `write` records the call that writes all of the tensor given to it.
  void add(Recorder& recorder, size_t i, const std::function<void(const TensorRef&)>& write);

  bool written(size_t i) const { return written_[i]; }
  const TensorRef& sum(size_t i) const { return sums_[i]; }
  size_t size() const { return sums_.size(); }

 private:
  TensorRefs sums_;
  std::vector<bool> written_;
};

// The gradients of what `parts` of the batch behind `whole` have left: none where no part wrote
// one, zero for a part that did not.
TensorRefs gradients_of(Recorder& recorder, TensorRefs whole,
                        std::initializer_list<const GradientSum*> parts);

// A place for the gradient with respect to each of D's outputs.
TensorRefs gradients_like(Recorder& recorder, const TensorRefs& outputs);

// Samples [first, first + count) of each.
TensorRefs samples_of(const TensorRefs& refs, int64_t first, int64_t count);

// A discriminator's answer to one batch, and where the gradients of the loss go.
struct Critique {
  TensorRef x;         // the batch it was shown
  TensorRef label{};   // the class of each sample, n x 1; empty: it has none
  TensorRef latent{};  // what G made x from; empty for real samples
  TensorRefs codes{};  // what its codes say (Latents::codes)
  TensorRefs y;        // the outputs; y[0] the score, n x 1 (n x 1 x h x w for patches: averaged)
  GradientSum& dy;     // of the outputs
  GradientSum* dx =
      nullptr;          // of x itself, where the loss is also about x (index 0); null: unasked
  TensorRefs y_real{};  // in G's update where the objective compares_real(): the outputs for a real
                        // batch, held constant
  const Critique* again = nullptr;  // of the same real samples, augmented once more; null: unasked
};

// The two players' losses and their gradients with respect to the discriminator's outputs. Knows
// no layer: given outputs it records loss kernels. Metrics it leaves: d.loss_real, d.loss_fake,
// g.loss; with a meaning of right and wrong d.accuracy_real, d.accuracy_fake, g.fooled.
// What it keeps over steps it has from System::keep.
class Objective {
 public:
  virtual ~Objective() = default;
  // G's loss reads what D answers for a real batch, too.
  virtual bool compares_real() const { return false; }
  // D's loss is also about samples of known class, which are no part of the real batch.
  virtual bool reads_labelled() const { return false; }
  // What it keeps of a batch's parts: means over samples that generator() and the others write, and
  // that are averaged over all shards before generator_done() reads them.
  virtual TensorRefs means(Program&) const { return {}; }
  virtual void discriminator_real(const ObjectiveCall&, const Critique& real) const = 0;
  virtual void discriminator_fake(const ObjectiveCall&, const Critique& fake) const = 0;
  virtual void discriminator_labelled(const ObjectiveCall&, const Critique&) const {}
  virtual void generator(const ObjectiveCall&, const Critique& fake) const = 0;
  // Once per update of G, after all parts of its batch.
  virtual void generator_done(const ObjectiveCall&) const {}
};

}  // namespace gantry
