// SPDX-License-Identifier: Apache-2.0
#include "train/objective_config.h"

namespace gantry {
namespace {

constexpr const char* kObjectives[] = {"gan",
                                       "lsgan",
                                       "wgan",
                                       "wgan_gp",
                                       "dragan",
                                       "hinge",
                                       "ebgan",
                                       "began",
                                       "feature_matching",
                                       "semi_supervised",
                                       "acgan",
                                       "infogan",
                                       "autoencoder",
                                       "vae",
                                       "classifier"};
constexpr const char* kDistances[] = {"squared", "absolute"};
constexpr const char* kLikelihoods[] = {"gaussian", "bernoulli"};
constexpr const char* kLosses[] = {"bce", "least_squares", "wasserstein", "hinge"};
constexpr const char* kGeneratorLosses[] = {"non_saturating", "saturating"};
constexpr const char* kRealFake[] = {"separate", "mixed", "alternating"};
constexpr const char* kCombinations[] = {"sum", "mean"};

}  // namespace

void LabelConfig::describe(Fields& f) {
  const RealRange share{.min = 0, .max = 1};
  f.real({"real", "What D should answer for real samples."}, real);
  f.real({"fake", "What D should answer for generated samples."}, fake);
  f.optional_real({"generator",
                   "What G wants D to answer for its samples; null for the label "
                   "`real`."},
                  generator);
  f.real({"smooth_real",
          "Label smoothing of real targets: 0.1 moves them a tenth of the way to "
          "the label `fake` (one-sided smoothing)."},
         smooth_real, share);
  f.real({"smooth_fake", "Label smoothing of fake targets, towards the label `real`."}, smooth_fake,
         share);
  f.real({"noise_real", "Width of the uniform noise [0, w) added to each real target."}, noise_real,
         {.min = 0});
  f.real({"noise_fake", "Width of the uniform noise [0, w) added to each fake target."}, noise_fake,
         {.min = 0});
  f.real({"flip_real", "Probability that a real sample is given the fake target."}, flip_real,
         share);
  f.real({"flip_fake", "Probability that a fake sample is given the real target."}, flip_fake,
         share);
  f.require(real != fake, "fake", "must differ from the label `real`");
}

void InstanceNoiseConfig::describe(Fields& f) {
  f.real({"sigma", "Standard deviation of the noise at the first step; 0 for none."}, sigma,
         {.min = 0});
  f.integer({"until", "Step at which the noise has fallen to 0; 0 keeps it constant."}, until,
            {.min = 0});
}

void EbganConfig::describe(Fields& f) {
  f.real({"margin", "Energy that D raises generated samples to; beyond it they cost D nothing."},
         margin, {.min = 0, .open_min = true});
  f.flag({"mean",
          "The energy is the mean squared error over the values of a sample, not their sum; the "
          "margin is in the same unit."},
         mean);
  f.real({"pt_weight", "Weight of the pulling-away term in G's loss; 0 for none."}, pt_weight,
         {.min = 0});
}

void BeganConfig::describe(Fields& f) {
  f.real({"gamma", "Wanted ratio of the losses on generated and on real samples; less is sharper."},
         gamma, {.min = 0, .max = 1});
  f.real({"lambda", "How fast k follows the balance of the losses."}, lambda, {.min = 0});
  f.real({"k", "Share of the loss on generated samples in D's loss, in the beginning."}, k,
         {.min = 0, .max = 1});
}

void FeatureMatchingConfig::describe(Fields& f) {
  f.choice_of({"distance",
               "Of the mean features: squared, their squared distance (the paper); absolute, the "
               "mean of the absolute differences (its code)."},
              distance, kDistances);
}

void SemiSupervisedConfig::describe(Fields& f) {
  f.integer({"labels_per_class",
             "Samples of each class whose label D is told: the first of each that the run reads."},
            labels_per_class, {.min = 1});
  f.real({"supervised", "Weight in D's loss of the cross-entropy on labelled samples."}, supervised,
         {.min = 0, .open_min = true});
  f.real({"unsupervised",
          "Weight in D's loss of telling real samples, and as much of telling generated ones, from "
          "the other side."},
         unsupervised, {.min = 0, .open_min = true});
}

void LikelihoodConfig::describe(Fields& f, bool variational) {
  f.choice_of({"likelihood",
               "gaussian: squared error over twice the variance; bernoulli: cross-entropy, pixels "
               "in [0, 1] as probabilities. Summed over the values of a sample."},
              kind, kLikelihoods);
  f.real({"variance", "Variance of the gaussian likelihood."}, variance,
         {.min = 0, .open_min = true});
  if (!variational) return;
  f.real({"beta", "Weight of the divergence of the codes from a standard normal."}, beta,
         {.min = 0});
}

// docs/objectives.md names the sources.
void ObjectiveConfig::set_published_defaults(const std::string& name) {
  *this = ObjectiveConfig();
  type = name;
  if (name == "lsgan") {
    loss = Loss::kLeastSquares;
    loss_weight = 0.5;
  }
  if (name == "wgan" || name == "wgan_gp") loss = Loss::kWasserstein;
  if (name == "wgan_gp") penalties.gradient.weight = 10;
  if (name == "dragan") penalties.dragan.weight = 10;
  if (name == "hinge") loss = Loss::kHinge;
}

const char* ObjectiveConfig::loss_name() const { return kLosses[static_cast<size_t>(loss)]; }

void ObjectiveConfig::describe(Fields& f) {
  f.variant(
      {"type",
       "Which objective the networks learn by. It sets the defaults of the other keys to those "
       "that it was published with (docs/objectives.md)."},
      type, kObjectives, [this](const std::string& name) { set_published_defaults(name); },
      [this](Fields& g) {
        if (is_classifier()) return;
        if (is_autoencoder()) return likelihood.describe(g, type == "vae");
        if (has_score()) describe_losses(g);
        describe_own(g);
        describe_game(g);
      });
}

void ObjectiveConfig::describe_losses(Fields& f) {
  f.choice_of({"loss",
               "bce: cross-entropy on D's logits; least_squares: squared distance to the label; "
               "wasserstein: D's mean answer to generated less that to real samples; hinge: what "
               "real answers lack to 1 and generated ones to -1."},
              loss, kLosses);
  f.real({"loss_weight", "Factor of D's and G's losses."}, loss_weight,
         {.min = 0, .open_min = true});
  f.choice_of({"generator_loss",
               "non_saturating: G minimises the loss of D's answers against the label "
               "it wants; saturating: G maximises D's loss on fakes."},
              generator_loss, kGeneratorLosses);
  f.object({"labels", "What D is asked to answer."}, [this](Fields& g) { labels.describe(g); });
  f.object({"penalties", "Terms of D's loss about the gradient of its answers by its input."},
           [this](Fields& g) { penalties.describe(g); });
  f.object({"lecam",
            "Term of D's loss about how far its answers lie from running means of those to the "
            "other side (LeCam)."},
           [this](Fields& g) { lecam.describe(g); });
  f.object({"top_k",
            "G learns from the part of its samples that D finds most real, a part that shrinks "
            "(top-k training)."},
           [this](Fields& g) { top_k.describe(g); });
  f.object({"consistency",
            "Term of D's loss about how its answer to a real sample changes with augmentation "
            "(consistency regularisation)."},
           [this](Fields& g) { consistency.describe(g); });
}

void ObjectiveConfig::describe_own(Fields& f) {
  if (type == "ebgan") {
    f.object({"ebgan", "The critic's energy."}, [this](Fields& g) { ebgan.describe(g); });
  }
  if (type == "began") {
    f.object({"began", "The balance of the two players."},
             [this](Fields& g) { began.describe(g); });
  }
  if (type == "acgan") {
    f.object({"acgan", "Weights of the terms about classes."},
             [this](Fields& g) { acgan.describe(g); });
  }
  if (type == "infogan") {
    f.object({"infogan", "Weights of the terms about codes."},
             [this](Fields& g) { infogan.describe(g); });
  }
  if (is_semi_supervised()) {
    f.object({"semi_supervised", "What D learns of classes."},
             [this](Fields& g) { semi_supervised.describe(g); });
  }
  if (matches_features()) {
    f.object({"feature_matching", "What G matches."},
             [this](Fields& g) { feature_matching.describe(g); });
  }
}

void ObjectiveConfig::describe_game(Fields& f) {
  f.choice_of({"real_fake",
               "separate: real and fake samples have batch-norm statistics of their "
               "own in D; mixed: they share them; alternating: D is updated on real samples, then "
               "on generated ones."},
              real_fake, kRealFake);
  f.choice_of({"combine",
               "sum: D minimises its loss on real plus its loss on fake samples; mean: the mean "
               "over all samples that it sees (Keras)."},
              combine, kCombinations);
  f.integer(
      {"packing",
       "Samples that D judges at once, joined along the channels (PacGAN): its input has so many "
       "times the channels. 1: each by itself."},
      packing, {.min = 1, .max = 64});
  f.object({"augmentation",
            "Differentiable augmentation of everything that D sees, real and generated, in D's "
            "updates and in G's."},
           [this](Fields& g) { augmentation.describe(g); });
  f.object({"instance_noise", "Gaussian noise on everything that D sees."},
           [this](Fields& g) { instance_noise.describe(g); });
}

}  // namespace gantry
