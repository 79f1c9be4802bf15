// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/layer.h"
#include "models/param_store.h"
#include "models/spectral_norm.h"

namespace gantry {

// "init": {"weight": {...}, ...}: initialisers in place of the layers' own, by parameter name.
struct InitConfig {
  struct Entry {
    bool present = false;
    Initializer init;
  };
  Entry weight, bias, scale, shift;

  void describe(Fields& f);
  // The initialiser of a parameter of that name, or null.
  const Initializer* find(const std::string& parameter) const;
  // The parameters that have one.
  std::vector<std::string> given() const;

 private:
  std::array<std::pair<const char*, const Entry*>, 4> entries() const {
    return {{{"weight", &weight}, {"bias", &bias}, {"scale", &scale}, {"shift", &shift}}};
  }
};

// One entry of a network's "layers". `inputs` empty: the layer before (the network's input for the
// first). A layer without a name is called type + number among the layers of its type: conv1,
// batch_norm1, conv2.
struct LayerConfig {
  std::string name, type;
  std::vector<std::string> inputs;
  LayerPtr layer;
  InitConfig init;  // goes before the network's

  void describe(Fields& f);
};

// "generator": {"inputs": [...], "layers": [...], "init": {...}, "outputs": [...]}
struct NetworkConfig {
  std::vector<std::string> inputs;  // empty: z of a generator, x of any other network
  std::vector<LayerConfig> layers;
  std::vector<std::string> outputs;  // empty: the last layer
  InitConfig init;
  bool spectral_norm = false;     // of every weight
  bool merge_activations = true;  // for tests: the same network without merging

  void describe(Fields& f);
};

struct NamedShape {
  std::string name;
  Shape shape;            // n = 1
  bool constant = false;  // of an input: nobody wants its gradient (a label)
};

// A recorded forward pass: what backward and double_backward work on.
struct NetworkPass {
  std::vector<LayerPass> layers;  // one per node, in order
  TensorRefs inputs, outputs;
  TensorRefs deltas;                   // per node, kept by backward when asked: dy of each node
  std::vector<SpectralPass> spectral;  // per node with spectral normalisation
  int64_t reference = 0;               // samples of the reference batch, before those of outputs
};

struct ForwardOptions {
  Mode mode = Mode::kTrain;
  int64_t batch_groups = 1;  // see LayerPass
  // See LayerPass. Empty: one, numbered from Recorder::first_sample.
  std::vector<SampleGroup> sample_groups{};
  bool track = true;  // running statistics and power iterations move
  // Passes of a step with different ids draw different dropout masks; a pass with k sample groups
  // uses the ids pass_id .. pass_id + k - 1.
  uint32_t pass_id = 0;
  // Per input a batch that goes before the samples and is seen by none but the layers that need one
  // (virtual batch norm); with it groups are those of the whole. Empty: none.
  TensorRefs reference{};
  // NetworkPass::spectral of an earlier pass with the same weights, whose normalised weights this
  // one takes, and its power iteration with them. Empty: anew.
  std::vector<SpectralPass> normalized{};
};

struct BackwardOptions {
  bool want_dx = false;      // gradients of the network's inputs
  bool want_dw = true;       // gradients of its parameters
  bool accumulate = false;   // add to the parameter gradients that are there
  bool keep_deltas = false;  // double_backward follows
};

// A validated DAG of layers. Owns names and shapes, not values: passes are recorded against a
// ParamStore. Activations that a layer can absorb are merged when the network is built.
class Network {
 public:
  // `name` ("g") begins the names of calls and buffers and keys random draws. `where` is the JSON
  // pointer of the section ("/generator"), for messages. Throws ConfigError on unknown or unused
  // names, cycles and shapes that do not fit, naming layer and both shapes.
  Network(std::string name, const std::string& where, NetworkConfig config,
          std::vector<NamedShape> inputs);

  const std::string& name() const;
  const std::vector<NamedShape>& inputs() const;
  std::vector<NamedShape> outputs() const;
  // narrow: see ParamStore.
  ParamStore make_store(Device& device, DType real, DType narrow) const;
  // Fills values and states of a store on the host side of `device`.
  void initialize(Device& device, Stream& stream, ParamStore& store, uint64_t seed) const;
  bool mixes_samples() const;
  bool needs_reference() const;

  // A layer, or a layer and the activation that it absorbed, under the first one's name. In an
  // order in which each comes after what it reads.
  struct Node {
    std::string name;
    const Layer* layer;
    Shape y;                             // n = 1
    std::vector<int> inputs;             // node index; -1 - i is network input i
    size_t first_param = 0, params = 0;  // its part of the store's ranges
    size_t first_state = 0, states = 0;
  };
  const std::vector<Node>& nodes() const;
  // Layers as configured (before merging), for the table that `plan` prints.
  const NetworkConfig& config() const;

  // Records a pass. `values`/`states`: the store's own or a copy of the same layout.
  NetworkPass forward(Recorder&, const ParamStore& store, const TensorView& values,
                      const TensorView& states, const TensorRefs& inputs,
                      const ForwardOptions&) const;
  // dy per output (empty: zero). Returns dx per network input (empty refs unless want_dx, and for
  // constant inputs). Sums
  // gradients where an output feeds several layers. dy is overwritten unless keep_deltas.
  TensorRefs backward(Recorder&, const ParamStore& store, NetworkPass& pass, const TensorRefs& dy,
                      const BackwardOptions&) const;
  // After backward with want_dx and keep_deltas. ux per network input (empty: zero); adds dB/dw to
  // the gradients, then runs the ordinary backward of h where a layer is curved. Returns uy per
  // output (empty where it is zero or where that output had no dy).
  TensorRefs double_backward(Recorder&, const ParamStore& store, NetworkPass& pass,
                             const TensorRefs& ux) const;

  struct Impl;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace gantry
