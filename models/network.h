// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/layer.h"
#include "models/param_store.h"

namespace gantry {

// One entry of a network's "layers". `inputs` empty: the layer before (the network's input for the
// first). Names default to type + running number: conv1, batch_norm1.
struct LayerConfig {
  std::string name, type;
  std::vector<std::string> inputs;
  LayerPtr layer;
};

// "generator": {"layers": [...], "init": {...}, "outputs": [...]}
struct NetworkConfig {
  std::vector<LayerConfig> layers;
  std::vector<std::string> outputs;  // empty: the last layer
  // Replace the layers' own initialisers; keyed by parameter kind.
  bool has_weight_init = false, has_bias_init = false, has_scale_init = false;
  Initializer weight_init, bias_init, scale_init;
  bool spectral_norm = false;  // of every weight
  double ema_decay = 0;        // not used by critics; see train

  void describe(Fields& f);
};

struct NamedShape {
  std::string name;
  Shape shape;  // n = 1
};

// A recorded forward pass: what backward and double_backward work on.
struct NetworkPass {
  std::vector<LayerPass> layers;  // one per node, in order
  TensorRefs inputs, outputs;
  TensorRefs deltas;  // per node, kept by backward when asked: dy of each node
};

struct ForwardOptions {
  Mode mode = Mode::kTrain;
  int64_t batch_groups = 1;
  bool track = true;          // running statistics move
  uint32_t pass_id = 0;       // different passes of a step draw different dropout masks
};

struct BackwardOptions {
  bool want_dx = false;       // gradients of the network's inputs
  bool want_dw = true;        // gradients of its parameters
  bool accumulate = false;    // add to the parameter gradients that are there
  bool keep_deltas = false;   // double_backward follows
};

// A validated DAG of layers. Owns names and shapes, not values: passes are recorded against a
// ParamStore. Activations that a layer can absorb are merged when the network is built.
class Network {
 public:
  // `where` is the JSON pointer of the section ("/generator"), for messages. Throws ConfigError on
  // unknown or unused names, cycles and shapes that do not fit, naming layer and both shapes.
  Network(std::string name, std::string where, NetworkConfig config,
          std::vector<NamedShape> inputs);

  const std::string& name() const;
  std::vector<NamedShape> outputs() const;
  ParamStore make_store(Device& device, DType real) const;
  // Fills values and states of a store on the host side of `device`.
  void initialize(Device& device, Stream& stream, ParamStore& store, uint64_t seed) const;
  bool mixes_samples() const;

  struct Node {
    std::string name;
    const Layer* layer;
    Shape y;  // n = 1
    std::vector<int> inputs;  // node index; -1 - i is network input i
  };
  const std::vector<Node>& nodes() const;
  // Layers as configured (before merging), for the table that `plan` prints.
  const NetworkConfig& config() const;

  // Records a pass. `values`/`states`: the store's own or a copy of the same layout.
  NetworkPass forward(Recorder&, const ParamStore& store, const TensorView& values,
                      const TensorView& states, const TensorRefs& inputs,
                      const ForwardOptions&) const;
  // dy per output. Returns dx per network input (empty refs unless want_dx). Sums gradients where
  // an output feeds several layers.
  TensorRefs backward(Recorder&, const ParamStore& store, NetworkPass& pass, const TensorRefs& dy,
                      const BackwardOptions&) const;
  // After backward with keep_deltas. ux per network input; adds dB/dw to the gradients, then runs
  // the ordinary backward of h where a layer is curved. Returns uy per output.
  TensorRefs double_backward(Recorder&, const ParamStore& store, NetworkPass& pass,
                             const TensorRefs& ux) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace gantry
