// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/network.h"
#include "train/config.h"
#include "train/metric_slots.h"
#include "train/optimizer.h"
#include "train/resident_data.h"
#include "train/shards.h"

namespace gantry {

// What the sections of networks call the class of each sample, in "inputs".
inline constexpr const char* kLabelInput = "label";

// What one sample of the data is.
struct SampleSpec {
  Shape shape;          // n = 1
  int64_t classes = 0;  // 0: no labels
};

// One network that learns, with all that training changes of it.
struct Player {
  std::string name;  // "g": begins the names of its tensors, calls and metrics
  Network network;
  ParamStore store;
  Optimizer optimizer;
  Tensor reference{};  // of virtual batch norm: inputs that never change

  bool has_reference() const { return reference.bytes() > 0; }
  // What ForwardOptions asks for.
  TensorRefs reference_refs(Program& program) const {
    if (!has_reference()) return {};
    return {program.external(name + ".reference", reference.view())};
  }
  // The EMA weights where there are any, else the weights.
  TensorView averaged_values() const {
    return optimizer.has_ema() ? optimizer.ema() : store.values();
  }
  // Whether the network is given the class of each sample.
  bool takes_label() const;
  // The place of x, samples or latents, among the network's inputs.
  size_t main_input() const;
  // What the network is given, in its order: x, samples or latents, and where it takes them the
  // one-hot vectors of `label`, class numbers n x 1.
  TensorRefs inputs(Recorder& recorder, const TensorRef& x, const TensorRef& label) const;
};

// Everything that training changes: the players' weights, states and optimizer states, EMA, what
// the objective keeps, the step counter. Knows nothing of data or files.
class System {
 public:
  // Throws ConfigError where the networks do not fit the samples or each other, or the batches do
  // not fit the ranks of backend.communicator.
  System(RunConfig config, const SampleSpec& sample, Backend& backend);

  // Draws the initial weights from config.seed and sets what is kept to its initial value.
  void initialize(Stream& stream);
  // The narrow copies of all weights follow them: to be called when the host has written weights.
  void narrow_weights(Stream& stream);

  RunConfig config;  // its networks have moved into the players
  Backend& backend;
  Shards shards;  // of a batch, and which of them are this rank's
  // For what a step records in `program`: knows the step, the seed, and the ranks that share a
  // batch.
  Recorder recorder(Program& program) const;
  SampleSpec sample;
  std::vector<std::unique_ptr<Player>> players;  // in the order that checkpoints list them
  MetricSlots metrics;
  Tensor step;      // i64, 1: steps done
  Tensor position;  // i64, 1: the sample of the data's stream that the coming step reads first
  Tensor bad_step;  // i64, 1: the first step with a metric that is not finite (from 1), else 0
  std::unique_ptr<ResidentData> resident;  // where steps read their real batches themselves
  std::unique_ptr<ResidentData> labelled;  // samples of known class, where steps read such
  Tensor real_data;    // this rank's part of the real batches of one step, else filled by the host
  Tensor real_labels;  // their class numbers, n x 1; empty where the data have none

  bool has(const std::string& player) const;
  Player& player(const std::string& name);  // "g", "d", ...
  const Player& player(const std::string& name) const;

  // Sizes real_data and real_labels for this rank's part of so many batches of train.batch samples.
  void make_room_for_real(int64_t batches);

  // Memory that the way of learning keeps over steps and in checkpoints, besides the players':
  // `shape` reals that begin as `initial`. To be called before initialize().
  TensorView keep(const std::string& name, const Shape& shape, double initial);
  TensorView kept(const std::string& name) const;

  // A named range of training state, in the order that checkpoints list it.
  struct StateTensor {
    std::string name;  // "g.conv1.weight", "d.optimizer.adam_m.conv1.weight", "step"
    TensorView view;
  };
  std::vector<StateTensor> state() const;

  Shape latent_shape(int64_t n) const;
  // What D judges at once: objective.packing samples beside each other along the channels (n = 1).
  Shape judged_shape() const;
  // Classes that G can be asked for; 0: it takes no labels.
  int64_t classes_of_samples() const;
  // A class for each of `count` samples in rows of `columns`, one class a column, over and over;
  // empty where G takes none.
  std::vector<float> labels_by_column(int64_t count, int64_t columns) const;
  uint64_t seed() const { return static_cast<uint64_t>(config.seed); }

 private:
  struct Kept {
    std::string name;
    Tensor tensor;
    double initial;
  };
  void draw_reference(Stream& stream);
  void add_player(PlayerConfig& config);
  std::vector<NamedShape> inputs_of(const PlayerConfig& config) const;

  std::vector<std::unique_ptr<Kept>> kept_;
};

// What every step begins with, a step that reads so many batches of real samples: where they are
// the device's, reading them.
void record_start(System& system, Recorder& recorder, int64_t real_batches);
// What every step ends with: its metrics are averaged over the ranks, summed and looked at, it is
// counted.
void record_end(System& system, Recorder& recorder, int64_t real_batches);

// Records sampling: inference with G's raw or EMA weights from `latents`, and `labels` (class
// numbers, n x 1) where G takes them, into `images`.
Program record_sampling(System& system, bool use_ema, const TensorView& latents,
                        const TensorView& labels, const TensorView& images);

}  // namespace gantry
