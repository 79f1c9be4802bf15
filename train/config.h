// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "models/network.h"
#include "train/data/config.h"
#include "train/objective_config.h"

namespace gantry {

// One of "latent.codes": a part of the latents that D is to read from G's samples (InfoGAN).
struct CodeConfig {
  enum class Type : uint8_t { kCategorical, kUniform, kNormal };
  Type type = Type::kCategorical;
  std::string name;           // empty: c1, c2, ...
  int64_t classes = 10;       // categorical: a one-hot vector
  int64_t size = 1;           // of the others
  double low = -1, high = 1;  // uniform

  int64_t width() const { return type == Type::kCategorical ? classes : size; }
  void describe(Fields& f);
};

// "latent": the noise that G turns into samples, then the codes.
struct LatentConfig {
  enum class Distribution : uint8_t { kNormal, kUniform };
  // Where the classes of generated samples come from: drawn alike, or those of the real batch.
  enum class Labels : uint8_t { kUniform, kData };
  int64_t size = 100;
  Distribution distribution = Distribution::kNormal;
  double low = -1, high = 1;  // uniform
  std::vector<CodeConfig> codes;
  Labels labels = Labels::kUniform;

  int64_t width() const;  // noise and codes
  std::string code_name(size_t i) const;
  void describe(Fields& f);
};

// Learning rate over the updates of one network (kernels/ops/optimizer.h has the formulas).
struct ScheduleConfig {
  ScheduleDesc::Kind kind = ScheduleDesc::Kind::kConstant;
  double decay = 0;
  int64_t every = 1, from = 0, until = 0;
  double floor = 0;
  int64_t warmup = 0;

  void describe(Fields& f);
};

// "optimizer.g", "optimizer.d". Keys that a type does not know are refused.
struct OptimizerConfig {
  enum class Type : uint8_t { kSgd, kAdam, kAdamW, kRmsprop };
  Type type = Type::kAdam;
  OptimizerDesc::Variant variant = OptimizerDesc::Variant::kPyTorch;
  double lr = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double rho = 0.99;
  bool centered = false;
  double momentum = 0, dampening = 0;
  bool nesterov = false;
  double weight_decay = 0;  // adamw: decoupled; others: L2
  double clip_value = 0;    // 0: off, as the next three
  double clip_norm = 0;
  double clip_tensor_norm = 0;
  double weight_clip = 0;
  double historical_average = 0;  // weight of the distance from the mean of past parameters; 0: off
  ScheduleConfig schedule;

  void describe(Fields& f);
};

// "train.ema": a moving average of G's weights, kept from update `start` on. decay 0: none.
struct EmaConfig {
  double decay = 0;
  int64_t start = 0;

  void describe(Fields& f);
};

// "train.d_warmup": steps with more updates of D than the others: the first `until`, and every
// `every`-th (Arjovsky et al. 2017, their code: 100 in the first 25 and in every 500th).
struct DWarmupConfig {
  int64_t d_steps = 0;  // 0: none
  int64_t until = 25;
  int64_t every = 500;  // 0: the first alone

  bool includes(int64_t step) const {
    return d_steps > 0 && (step < until || (every > 0 && step % every == 0));
  }
  int64_t steps_before(int64_t step) const;  // so many of the steps before `step` are such
  void describe(Fields& f);
};

// One step = d_steps updates of D and g_steps updates of G.
struct TrainConfig {
  enum class Order : uint8_t { kDFirst, kGFirst };
  int64_t steps = 0;
  int64_t batch = 0;            // real samples of an update of D
  int64_t fake_batch = 0;       // fake samples of an update of D; 0: batch
  int64_t generator_batch = 0;  // samples of an update of G; 0: batch
  int64_t reference_batch = 0;  // of virtual batch norm; 0: batch
  int64_t accumulate = 1;       // micro-batches per update; each batch is cut into so many
  int64_t d_steps = 1, g_steps = 1;
  DWarmupConfig d_warmup;
  Order order = Order::kDFirst;
  bool reuse_fakes = false;  // G learns from the fakes of D's last update, not from fresh ones
  EmaConfig ema;
  int64_t log_every = 100;
  int64_t sample_every = 500;  // 0: at the end only, as the next
  int64_t checkpoint_every = 1000;
  int64_t keep_last = 3;
  std::string best_metric;  // empty: no best checkpoint is kept
  bool best_is_highest = false;
  bool check_finite = true;
  int64_t steps_per_launch = 1;

  int64_t fakes() const { return fake_batch > 0 ? fake_batch : batch; }
  int64_t reference() const { return reference_batch > 0 ? reference_batch : batch; }
  int64_t generator_samples() const { return generator_batch > 0 ? generator_batch : batch; }
  int64_t d_updates_before(int64_t step) const;  // by all steps before it
  void describe(Fields& f);
};

struct OutputConfig {
  int64_t samples = 64;  // in a grid
  int64_t columns = 0;   // 0: as many as classes that G can be asked for, else 8
  bool animation = true;
  bool tensorboard = true;

  int64_t columns_for(int64_t classes) const {
    return columns > 0 ? columns : classes > 0 ? classes : 8;
  }
  void describe(Fields& f);
};

// "evaluation": samples that are not trained on, by which a network that names classes is measured.
struct EvaluationConfig {
  int64_t every = 0;  // steps; 0: at the end only
  bool has_data = false;
  DataConfig data;

  void describe(Fields& f);
};

// "distributed": how several ranks train together; no effect on the mathematics of a step but for
// statistics of batches (docs/cluster.md).
struct DistributedConfig {
  // Exact mode: equal shards into which every batch is cut, whatever the number of ranks; 0: as
  // many as there are ranks.
  int64_t virtual_ranks = 0;
  bool sync_batch_norm = false;  // statistics over the samples of all ranks
  double timeout_s = 30;
  bool compare_operations = false;

  void describe(Fields& f);
};

// A network that learns, its section and how its weights are updated. Which of them a run has
// depends on the objective.
struct PlayerConfig {
  const char* name;           // "g": in "optimizer" and in the names of tensors and metrics
  const char* section;        // "generator"
  const char* doc;            // of the section
  const char* optimizer_doc;  // of its optimizer
  bool present = false;
  NetworkConfig network{};
  bool has_optimizer = false;
  OptimizerConfig optimizer{};
};

// One experiment.
struct RunConfig {
  std::string name;
  int64_t seed = 0;
  BackendChoice backend = BackendChoice::kAuto;
  ComputeOptions compute;
  int64_t threads = 0;  // CPU threads; 0: all that the process may use
  DataConfig data;
  LatentConfig latent;
  PlayerConfig generator{"g", "generator", "The network G, which turns latents into samples.",
                         "Optimizer of G."};
  PlayerConfig encoder{"e", "encoder",
                       "The network E, which turns samples into codes (autoencoder, vae).",
                       "Optimizer of E."};
  PlayerConfig discriminator{"d", "discriminator", "The network D, which judges samples.",
                             "Optimizer of D."};
  PlayerConfig classifier{"c", "classifier",
                          "The network C, which names the classes of samples (classifier).",
                          "Optimizer of C."};
  ObjectiveConfig objective;
  TrainConfig train;
  OutputConfig output;
  EvaluationConfig evaluation;
  DistributedConfig distributed;

  std::array<PlayerConfig*, 4> players() {
    return {&generator, &discriminator, &encoder, &classifier};
  }
  std::array<const PlayerConfig*, 4> players() const {
    return {&generator, &discriminator, &encoder, &classifier};
  }
  // Whether the objective has a part for this player.
  bool needs(const PlayerConfig& player) const {
    if (objective.is_classifier()) return &player == &classifier;
    if (&player == &discriminator) return objective.has_discriminator();
    return &player == &generator || (&player == &encoder && objective.is_autoencoder());
  }
  // What a classifier is measured on: `evaluation.data`, or the test split of the data where they
  // have one.
  bool has_evaluation_data() const;
  DataConfig evaluation_data() const;
  void describe(Fields& f);
};

}  // namespace gantry
