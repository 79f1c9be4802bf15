// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/program.h"
#include "kernels/kernels.h"
#include "models/initializer.h"

namespace gantry {

// Where passes are recorded, and the few things every recording needs.
struct Recorder {
  Program& program;
  Kernels& kernels;
  TensorRef step;  // i64 scalar: what random draws of this step are keyed by
  uint64_t seed = 0;
  uint32_t first_sample = 0;  // global index of the first sample of this rank's batch
  // The ranks whose samples are one batch to what looks at a batch; null: this one's are the batch.
  Communicator* sharing = nullptr;
  bool sync_batch_norm = false;  // to batch_norm, too
  Kernels* narrow = nullptr;     // with which layers learn in 16 bits; null: `kernels`, as all
  TensorRef loss_scale{};        // f32: times this are deltas within networks; empty: as they are

  // What layers hand on; elsewhere `kernels` are those that have nothing narrow.
  TensorRef temp(const std::string& name, const Shape& shape) {
    return program.temp(name, shape, kernels.narrow_real());
  }
  // Statistics and gradients of parameters, which are never narrow.
  TensorRef wide(const std::string& name, const Shape& shape) {
    return program.temp(name, shape, kernels.real());
  }
};

struct ParamSpec {
  std::string name;  // "weight", "bias", "scale" or "shift"
  Shape shape;
  Fans fans;
  Initializer init;       // the layer's default; a network's "init" section may replace it
  bool spectral = false;  // the layer asks for spectral normalisation of this parameter
};

// What a layer keeps between steps without learning it: running statistics, power-iteration
// vectors.
struct StateSpec {
  std::string name;  // "running_mean"
  Shape shape;
  float initial = 0;
};

struct LayerPlan {
  Shape y;  // n = 1
  std::vector<ParamSpec> params;
  std::vector<StateSpec> states;
};

enum class Mode { kTrain, kInference };

// Samples that follow each other in a batch, with random draws of their own, numbered from `first`.
struct SampleGroup {
  int64_t count = 0;
  uint32_t first = 0;
};

// One layer's part of one recorded pass: what forward was given and what it left for the others.
struct LayerPass {
  std::string name;  // "d.conv2"
  Mode mode = Mode::kTrain;
  int64_t batch_groups = 1;  // equal consecutive parts of the batch with batch-norm statistics of
                             // their own
  // The batch, part by part.
  std::vector<SampleGroup> sample_groups{};
  uint32_t random_id = 0;     // tells this layer's draws from those of other layers and passes
  int64_t reference = 0;      // so many samples at the beginning are the reference batch
  bool track = true;          // batch norm updates its running statistics
  TensorRefs params, states;  // in the order of the plan
  TensorRefs x;
  TensorRef y;
  TensorRefs saved;  // forward's own: mean, rstd, pooling index
};

// Where parameter gradients go. Empty: not wanted (the critic inside the generator's step).
struct GradTarget {
  TensorRefs grads;         // in the order of the plan's params
  bool accumulate = false;  // add to what is there
  explicit operator bool() const { return !grads.empty(); }
};

struct Tangent {
  TensorRef uy;   // J ux
  TensorRefs hx;  // d(dy^T J ux)/dx per input; empty refs where it is zero
};

// A differentiable function with hyper-parameters and no memory: y = f(x_1, x_2, ...; params).
// The passes do not compute: they record kernel calls, in order.
class Layer {
 public:
  virtual ~Layer() = default;

  // Config keys other than type, name and inputs.
  virtual void describe(Fields&) {}
  virtual const char* type() const = 0;  // "conv"
  virtual size_t min_inputs() const { return 1; }
  virtual size_t max_inputs() const { return 1; }

  // Checks the input shapes (n = 1) and fixes the output's. Called once, before any recording.
  // Throws ConfigError (reason only; the network adds layer, pointer and shapes).
  virtual LayerPlan plan(std::span<const Shape> x) = 0;

  // The function, for layers that are y = f(x) element by element and nothing else.
  virtual const Activation* pointwise() const { return nullptr; }
  // Merges a pointwise activation that directly follows into this layer's own kernels. True: pass.y
  // is from then on the activation's output, and dy its delta.
  virtual bool absorb(const Activation&) { return false; }

  // Batch norm, minibatch discrimination: a sample's output depends on its neighbours.
  virtual bool mixes_samples() const { return false; }
  // Virtual batch norm: x begins with a reference batch.
  virtual bool needs_reference() const { return false; }
  // Its config asks for a spectrally normalised weight.
  virtual bool spectral_norm() const { return false; }

  // Its ops take Kernels::narrow_real(). Others are computed in Kernels::real(), between casts.
  virtual bool can_be_narrow() const { return false; }

  // Reads pass.x, params, states; fills pass.saved and returns y, which may be a view of x.
  virtual TensorRef forward(Recorder&, LayerPass& pass) const = 0;

  // dx per input, empty where want_dx is false. dy is not read by anyone afterwards unless
  // keep_dy, so dx may overwrite it. Several dx may be the same tensor, or dy itself.
  struct BackwardRequest {
    std::vector<bool> want_dx;
    bool keep_dy = false;
  };
  virtual TensorRefs backward(Recorder&, const LayerPass& pass, const TensorRef& dy,
                              const GradTarget& target, const BackwardRequest& request) const = 0;

  // Design section 6. dy: first-order delta; ux: tangent per input, none empty. Always adds dB/dw
  // to the target's gradients. Overwrites neither dy nor ux. Layers without it cannot stand in a
  // penalised critic.
  virtual bool has_double_backward() const { return true; }
  virtual Tangent double_backward(Recorder&, const LayerPass& pass, const TensorRef& dy,
                                  const TensorRefs& ux, const GradTarget& target) const = 0;
};

using LayerPtr = std::unique_ptr<Layer>;

// The layer types that configs can name, in the order the reference lists them.
std::span<const char* const> layer_types();
LayerPtr make_layer(const std::string& type);

}  // namespace gantry
