// SPDX-License-Identifier: Apache-2.0
#include "train/config.h"

namespace gantry {
namespace {

constexpr int64_t kMaxBatch = 1 << 20;
constexpr const char* kDistributions[] = {"normal", "uniform"};
constexpr const char* kObjectives[] = {"gan"};
constexpr const char* kLosses[] = {"bce", "least_squares"};
constexpr const char* kGeneratorLosses[] = {"non_saturating", "saturating"};
constexpr const char* kRealFake[] = {"separate", "mixed", "alternating"};
constexpr const char* kCombinations[] = {"sum", "mean"};
constexpr const char* kOrders[] = {"d_first", "g_first"};
constexpr const char* kBackends[] = {"auto", "cpu", "cuda"};

}  // namespace

void LatentConfig::describe(Fields& f) {
  f.integer({"size", "Numbers per latent vector."}, size, {.min = 1, .max = 65536});
  f.choice_of({"distribution",
               "normal: mean 0, standard deviation 1; uniform: between `low` and "
               "`high`."},
              distribution, kDistributions);
  f.real({"low", "Lower end of the uniform distribution."}, low);
  f.real({"high", "Upper end of the uniform distribution."}, high);
  f.require(low < high, "high", "must be above `low`");
}

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

void ObjectiveConfig::describe(Fields& f) {
  f.variant(
      {"type", "Which game the networks play."}, type, kObjectives,
      [this](const std::string& name) { type = name; },
      [this](Fields& g) {
        g.choice_of({"loss",
                     "bce: cross-entropy on D's logits; least_squares: squared "
                     "distance to the label."},
                    loss, kLosses);
        g.choice_of({"generator_loss",
                     "non_saturating: G minimises the loss of D's answers against the label "
                     "it wants; saturating: G maximises D's loss on fakes."},
                    generator_loss, kGeneratorLosses);
        g.object({"labels", "What D is asked to answer."},
                 [this](Fields& h) { labels.describe(h); });
      });
  f.choice_of({"real_fake",
               "separate: real and fake samples have batch-norm statistics of their "
               "own in D; mixed: they share them; alternating: D is updated on real samples, then "
               "on generated ones."},
              real_fake, kRealFake);
  f.choice_of({"combine",
               "sum: D minimises its loss on real plus its loss on fake samples; mean: the mean "
               "over all samples that it sees (Keras)."},
              combine, kCombinations);
  f.object({"instance_noise", "Gaussian noise on everything that D sees."},
           [this](Fields& g) { instance_noise.describe(g); });
}

void EmaConfig::describe(Fields& f) {
  f.real({"decay", "Share of the old average kept at each update of G; 0 for no average."}, decay,
         {.min = 0, .max = 1, .open_max = true});
  f.integer({"start",
             "Update of G from which averaging begins; before it, the average equals the "
             "weights."},
            start, {.min = 0});
}

void TrainConfig::describe(Fields& f) {
  const IntRange batches{.min = 0, .max = kMaxBatch};
  f.integer(
      {"steps", "How long to train. One step is `d_steps` updates of D and `g_steps` of G.", true},
      steps, {.min = 1, .max = int64_t{1} << 40});
  f.integer({"batch", "Real samples in an update of D.", true}, batch,
            {.min = 1, .max = kMaxBatch});
  f.integer({"fake_batch", "Generated samples in an update of D; 0 for as many as `batch`."},
            fake_batch, batches);
  f.integer({"generator_batch", "Generated samples in an update of G; 0 for as many as `batch`."},
            generator_batch, batches);
  f.integer({"accumulate",
             "Micro-batches per update: less memory, the same update unless a layer "
             "mixes samples."},
            accumulate, {.min = 1, .max = 4096});
  f.integer({"d_steps", "Updates of D per step."}, d_steps, {.min = 1, .max = 1000});
  f.integer({"g_steps", "Updates of G per step."}, g_steps, {.min = 1, .max = 1000});
  f.choice_of({"order", "Which network is updated first in a step."}, order, kOrders);
  f.flag({"reuse_fakes", "G learns from the samples that D has just seen, instead of fresh ones."},
         reuse_fakes);
  f.object({"ema", "Moving average of G's weights, for sampling."},
           [this](Fields& g) { ema.describe(g); });
  f.integer({"log_every", "Steps between lines of metrics."}, log_every, {.min = 1});
  f.integer({"sample_every", "Steps between sample grids; 0 for one at the end."}, sample_every,
            {.min = 0});
  f.integer({"checkpoint_every", "Steps between checkpoints; 0 for one at the end."},
            checkpoint_every, {.min = 0});
  f.integer({"keep_last", "How many of the latest checkpoints to keep."}, keep_last,
            {.min = 1, .max = 100000});
  f.text(
      {"best_metric", "Metric whose best checkpoint is kept besides the latest; empty for none."},
      best_metric);
  f.flag({"best_is_highest", "The best checkpoint has the highest `best_metric`, not the lowest."},
         best_is_highest);
  f.flag({"check_finite", "Stop, exit code 10, as soon as a loss or gradient is not finite."},
         check_finite);
}

void OutputConfig::describe(Fields& f) {
  f.integer({"samples", "Images in a sample grid."}, samples, {.min = 1, .max = 4096});
  f.integer({"columns", "Images in a row of the grid."}, columns, {.min = 1, .max = 4096});
  f.flag({"animation", "Make an animation of the sample grids when training ends."}, animation);
  f.flag({"tensorboard", "Write TensorBoard event files besides metrics.jsonl."}, tensorboard);
}

void RunConfig::describe(Fields& f) {
  f.text({"name", "Name of the experiment; run directories are named after it."}, name);
  f.integer({"seed", "Everything random in the run follows from it."}, seed, {.min = 0});
  f.choice_of({"backend", "Where to compute; auto takes a GPU if there is one."}, backend,
              kBackends);
  f.integer({"threads", "CPU threads that compute; 0 for all that the process may use."}, threads,
            {.min = 0, .max = 1024});
  f.object({"data", "Where real samples come from.", true},
           [this](Fields& g) { data.describe(g); });
  f.object({"latent", "The noise that G turns into samples."},
           [this](Fields& g) { latent.describe(g); });
  f.object({"generator", "The network G.", true}, [this](Fields& g) { generator.describe(g); });
  f.object({"discriminator", "The network D.", true},
           [this](Fields& g) { discriminator.describe(g); });
  f.object({"objective", "What the networks are trained to do."},
           [this](Fields& g) { objective.describe(g); });
  f.object({"optimizer", "How the weights are updated.", true}, [this](Fields& g) {
    g.object({"g", "Optimizer of G.", true}, [this](Fields& h) { optimizer_g.describe(h); });
    g.object({"d", "Optimizer of D.", true}, [this](Fields& h) { optimizer_d.describe(h); });
  });
  f.object({"train", "How long, in what batches, and what to keep.", true},
           [this](Fields& g) { train.describe(g); });
  f.object({"output", "What a run leaves besides checkpoints and metrics."},
           [this](Fields& g) { output.describe(g); });
}

}  // namespace gantry
