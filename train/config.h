// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "kernels/kernels.h"
#include "models/network.h"
#include "train/data/config.h"

namespace gantry {

// "latent": the noise that G turns into samples.
struct LatentConfig {
  enum class Distribution : uint8_t { kNormal, kUniform };
  int64_t size = 100;
  Distribution distribution = Distribution::kNormal;
  double low = -1, high = 1;  // uniform

  void describe(Fields& f);
};

// "labels" of the objective: what D is asked to answer. The target of a real sample is
//   real + smooth_real (fake - real) + noise_real U[0,1),
// and with probability flip_real the same about `fake` (smooth_fake in the place of smooth_real);
// fake samples mirror it. G aims at `generator`, without smoothing, noise or flips.
struct LabelConfig {
  double real = 1, fake = 0;
  std::optional<double> generator;  // absent: `real`
  double smooth_real = 0, smooth_fake = 0;
  double noise_real = 0, noise_fake = 0;
  double flip_real = 0, flip_fake = 0;

  double real_target() const { return real + smooth_real * (fake - real); }
  double fake_target() const { return fake + smooth_fake * (real - fake); }
  double generator_target() const { return generator.value_or(real); }
  void describe(Fields& f);
};

// "instance_noise": Gaussian noise on everything that D sees, sigma falling linearly to 0 at
// `until` (0: it stays).
struct InstanceNoiseConfig {
  double sigma = 0;
  int64_t until = 0;

  void describe(Fields& f);
};

struct ObjectiveConfig {
  enum class Loss : uint8_t { kBce, kLeastSquares };
  enum class GeneratorLoss : uint8_t { kNonSaturating, kSaturating };
  // How real and fake samples pass D: one update with batch-norm statistics of their own or common
  // ones, or an update for each (Keras listings).
  enum class RealFake : uint8_t { kSeparate, kMixed, kAlternating };
  // D's loss over both: loss(real) + loss(fake), or the mean over all samples that D sees.
  enum class Combine : uint8_t { kSum, kMean };
  std::string type = "gan";
  Loss loss = Loss::kBce;
  GeneratorLoss generator_loss = GeneratorLoss::kNonSaturating;
  LabelConfig labels;
  RealFake real_fake = RealFake::kSeparate;
  Combine combine = Combine::kSum;
  InstanceNoiseConfig instance_noise;

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
  double clip_value = 0;    // 0: off, as the next two
  double clip_norm = 0;
  double weight_clip = 0;
  ScheduleConfig schedule;

  void describe(Fields& f);
};

// "train.ema": a moving average of G's weights, kept from update `start` on. decay 0: none.
struct EmaConfig {
  double decay = 0;
  int64_t start = 0;

  void describe(Fields& f);
};

// One step = d_steps updates of D and g_steps updates of G.
struct TrainConfig {
  enum class Order : uint8_t { kDFirst, kGFirst };
  int64_t steps = 0;
  int64_t batch = 0;            // real samples of an update of D
  int64_t fake_batch = 0;       // fake samples of an update of D; 0: batch
  int64_t generator_batch = 0;  // samples of an update of G; 0: batch
  int64_t accumulate = 1;       // micro-batches per update; each batch is cut into so many
  int64_t d_steps = 1, g_steps = 1;
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

  int64_t fakes() const { return fake_batch > 0 ? fake_batch : batch; }
  int64_t generator_samples() const { return generator_batch > 0 ? generator_batch : batch; }
  void describe(Fields& f);
};

struct OutputConfig {
  int64_t samples = 64;  // in a grid
  int64_t columns = 8;
  bool animation = true;
  bool tensorboard = true;

  void describe(Fields& f);
};

// One experiment.
struct RunConfig {
  std::string name;
  int64_t seed = 0;
  BackendChoice backend = BackendChoice::kAuto;
  int64_t threads = 0;  // CPU threads; 0: all that the process may use
  DataConfig data;
  LatentConfig latent;
  NetworkConfig generator, discriminator;
  ObjectiveConfig objective;
  OptimizerConfig optimizer_g, optimizer_d;
  TrainConfig train;
  OutputConfig output;

  void describe(Fields& f);
};

}  // namespace gantry
