// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/fields.h"
#include "train/condition_config.h"
#include "train/penalty_config.h"
#include "train/technique_config.h"

namespace gantry {

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
  bool operator==(const LabelConfig&) const = default;
  void describe(Fields& f);
};

// "instance_noise": Gaussian noise on everything that D sees, sigma falling linearly to 0 at
// `until` (0: it stays).
struct InstanceNoiseConfig {
  double sigma = 0;
  int64_t until = 0;

  void describe(Fields& f);
};

// "ebgan": the critic is an autoencoder, its energy the squared reconstruction error of a sample
// (Zhao et al. 2017).
struct EbganConfig {
  double margin = 10;
  bool mean = false;       // energy as the mean over the values of a sample, not their sum
  double pt_weight = 0.1;  // of the pulling-away term in G's loss; 0: none

  void describe(Fields& f);
};

// "began": an autoencoder with absolute errors, and the balance k (Berthelot et al. 2017).
struct BeganConfig {
  double gamma = 0.5, lambda = 0.001;
  double k = 0;  // in the beginning

  void describe(Fields& f);
};

// "feature_matching": what G minimises in the place of a loss of D's score (Salimans et al. 2016).
struct FeatureMatchingConfig {
  enum class Distance : uint8_t { kSquared, kAbsolute };
  Distance distance = Distance::kSquared;

  void describe(Fields& f);
};

// "semi_supervised": D names the class of samples, that of a few of which it is told, and G matches
// its features (Salimans et al. 2016, section 5).
struct SemiSupervisedConfig {
  int64_t labels_per_class = 10;
  double supervised = 1;      // weight of the cross-entropy on labelled samples
  double unsupervised = 0.5;  // of each side of the game

  void describe(Fields& f);
};

// "autoencoder", "vae": what a sample x costs, given its reconstruction y.
struct LikelihoodConfig {
  enum class Kind : uint8_t { kGaussian, kBernoulli };
  Kind kind = Kind::kGaussian;
  double variance = 1;  // gaussian
  double beta = 1;      // vae: weight of the divergence

  void describe(Fields& f, bool variational);
};

// "objective". `type` names a published objective: it sets the defaults of every other key
// (set_published_defaults), each of which may be given beside it. So a type whose members of this
// struct suffice is a row of defaults; one with settings of its own has a struct and a sub-object
// of its own, described for that type alone.
struct ObjectiveConfig {
  // What D's answer r to a real, f to a generated sample costs; kernels/ops/loss.h.
  enum class Loss : uint8_t { kBce, kLeastSquares, kWasserstein, kHinge };
  enum class GeneratorLoss : uint8_t { kNonSaturating, kSaturating };
  // How real and fake samples pass D: one update with batch-norm statistics of their own or common
  // ones, or an update for each (Keras listings).
  enum class RealFake : uint8_t { kSeparate, kMixed, kAlternating };
  // D's loss over both: loss(real) + loss(fake), or the mean over all samples that D sees.
  enum class Combine : uint8_t { kSum, kMean };
  std::string type = "gan";
  Loss loss = Loss::kBce;
  double loss_weight = 1;  // of the losses of D and G alike
  GeneratorLoss generator_loss = GeneratorLoss::kNonSaturating;
  LabelConfig labels;
  RealFake real_fake = RealFake::kSeparate;
  Combine combine = Combine::kSum;
  int64_t packing = 1;  // samples that D judges at once (PacGAN)
  AugmentationConfig augmentation;
  InstanceNoiseConfig instance_noise;
  EbganConfig ebgan;
  BeganConfig began;
  FeatureMatchingConfig feature_matching;
  SemiSupervisedConfig semi_supervised;
  LikelihoodConfig likelihood;
  PenaltiesConfig penalties;
  LecamConfig lecam;
  TopKConfig top_k;
  ConsistencyConfig consistency;
  ClassLossConfig acgan;
  CodeLossConfig infogan;

  // D answers with a score, which `loss` and `labels` are about.
  bool has_score() const { return has_discriminator() && !has_energy() && !is_semi_supervised(); }
  // D draws its input again; how far off it is, is its answer.
  bool has_energy() const { return type == "ebgan" || type == "began"; }
  bool has_discriminator() const { return !is_autoencoder() && !is_classifier(); }
  bool is_autoencoder() const { return type == "autoencoder" || type == "vae"; }
  bool is_classifier() const { return type == "classifier"; }
  // D answers with a logit for each class.
  bool is_semi_supervised() const { return type == "semi_supervised"; }
  bool matches_features() const { return type == "feature_matching" || is_semi_supervised(); }
  bool has_labels() const { return loss == Loss::kBce || loss == Loss::kLeastSquares; }
  const char* loss_name() const;  // as configs write it

  void describe(Fields& f);

 private:
  void set_published_defaults(const std::string& name);
  void describe_losses(Fields& f);  // of D's score
  void describe_own(Fields& f);     // settings of this type alone
  void describe_game(Fields& f);    // of any game of D and G
};

}  // namespace gantry
