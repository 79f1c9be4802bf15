// SPDX-License-Identifier: Apache-2.0
#include "train/config.h"

#include <algorithm>

namespace gantry {
namespace {

constexpr int64_t kMaxBatch = 1 << 20;
constexpr const char* kDistributions[] = {"normal", "uniform"};
constexpr const char* kCodeTypes[] = {"categorical", "uniform", "normal"};
constexpr const char* kLabelSources[] = {"uniform", "data"};
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
  f.list(
      {"codes",
       "Parts of the latents, behind the noise, that D is to read from G's samples (InfoGAN)."},
      codes.size(), [this](size_t count) { codes.resize(count); },
      [this](size_t i, Fields& g) { codes[i].describe(g); });
  f.choice_of({"labels",
               "Classes of generated samples: uniform: drawn with equal probability; data: those "
               "of the real batch of the same update."},
              labels, kLabelSources);
}

void CodeConfig::describe(Fields& f) {
  std::string selected = kCodeTypes[static_cast<size_t>(type)];
  f.text({"name", "What metrics and commands call it; default: c1, c2, ..."}, name);
  f.variant(
      {"type",
       "categorical: one of `classes`, as a one-hot vector; uniform: between `low` and `high`; "
       "normal: mean 0, standard deviation 1.",
       true},
      selected, kCodeTypes,
      [this](const std::string& chosen) {
        size_t i = 0;
        while (chosen != kCodeTypes[i]) ++i;
        type = static_cast<Type>(i);
      },
      [this](Fields& g) {
        if (type == Type::kCategorical) {
          g.integer({"classes", "How many values it has."}, classes, {.min = 2, .max = 65536});
          return;
        }
        g.integer({"size", "How many numbers it is."}, size, {.min = 1, .max = 65536});
        if (type != Type::kUniform) return;
        g.real({"low", "Lower end."}, low);
        g.real({"high", "Upper end."}, high);
        g.require(low < high, "high", "must be above `low`");
      });
}

int64_t LatentConfig::width() const {
  int64_t sum = size;
  for (const CodeConfig& code : codes) sum += code.width();
  return sum;
}

std::string LatentConfig::code_name(size_t i) const {
  return codes[i].name.empty() ? concat("c", i + 1) : codes[i].name;
}

void EmaConfig::describe(Fields& f) {
  f.real({"decay", "Share of the old average kept at each update of G; 0 for no average."}, decay,
         {.min = 0, .max = 1, .open_max = true});
  f.integer({"start",
             "Update of G from which averaging begins; before it, the average equals the "
             "weights."},
            start, {.min = 0});
}

int64_t DWarmupConfig::steps_before(int64_t step) const {
  if (d_steps == 0) return 0;
  const int64_t first = std::min(step, until);
  if (every == 0) return first;
  const auto multiples = [this](int64_t below) { return (below + every - 1) / every; };
  return first + multiples(step) - multiples(first);
}

void DWarmupConfig::describe(Fields& f) {
  f.integer({"d_steps", "Updates of D in such a step; 0 for no such steps."}, d_steps,
            {.min = 0, .max = 1000});
  f.integer({"until", "All steps before this one are such."}, until, {.min = 0});
  f.integer({"every", "Every so many steps one is such, 0, `every`, ...; 0 for none."}, every,
            {.min = 0});
}

int64_t TrainConfig::d_updates_before(int64_t step) const {
  const int64_t longer = d_warmup.steps_before(step);
  return longer * d_warmup.d_steps + (step - longer) * d_steps;
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
  f.integer({"reference_batch",
             "Samples of the reference batch of virtual_batch_norm, the first of the data; 0 "
             "for as many as `batch`."},
            reference_batch, batches);
  f.integer({"accumulate",
             "Micro-batches per update: less memory, the same update unless a layer "
             "mixes samples."},
            accumulate, {.min = 1, .max = 4096});
  f.integer({"d_steps", "Updates of D per step."}, d_steps, {.min = 1, .max = 1000});
  f.object({"d_warmup",
            "Steps with another number of updates of D: the first ones and some later, so that a "
            "critic is near its optimum when G learns from it."},
           [this](Fields& g) { d_warmup.describe(g); });
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
  f.flag({"check_finite",
          "Stop, exit code 10, when a loss or gradient is not finite: at once on the CPU; on a GPU "
          "when it is next looked at, at the latest before anything is saved."},
         check_finite);
  f.integer({"steps_per_launch",
             "Steps that a GPU runs as one graph, where data.on_device holds and no log, sample or "
             "checkpoint falls between them; the results are the same."},
            steps_per_launch, {.min = 1, .max = 1000});
}

void OutputConfig::describe(Fields& f) {
  f.integer({"samples", "Images in a sample grid."}, samples, {.min = 1, .max = 4096});
  f.integer({"columns",
             "Images in a row of the grid; 0 for 8, or one for each class where G takes labels."},
            columns, {.min = 0, .max = 4096});
  f.flag({"animation", "Make an animation of the sample grids when training ends."}, animation);
  f.flag({"tensorboard", "Write TensorBoard event files besides metrics.jsonl."}, tensorboard);
}

void EvaluationConfig::describe(Fields& f) {
  f.integer({"every",
             "Steps between measurements, a multiple of `train.log_every`; 0 for one at the end."},
            every, {.min = 0});
  f.object(
      {"data",
       "Samples that are not trained on; default: the test split of the data, where they have "
       "one."},
      [this](Fields& g) { data.describe(g); }, &has_data);
}

void DistributedConfig::describe(Fields& f) {
  f.integer(
      {"virtual_ranks",
       "Exact mode: cut every batch into so many shards, a power of two, and add them up along "
       "one tree, so that 1, 2, 4, ... ranks give the same bytes; 0 for one shard per rank."},
      virtual_ranks, {.min = 0, .max = 1024});
  f.flag(
      {"sync_batch_norm",
       "batch_norm takes its statistics over the samples of all ranks, not over each rank's own."},
      sync_batch_norm);
  f.real({"timeout_s",
          "Seconds after which a rank that does not answer counts as lost; must exceed the longest "
          "pause of rank 0, which saves and samples."},
         timeout_s, {.min = 0, .max = 86400, .open_min = true});
  f.flag({"compare_operations",
          "For debugging: before ranks exchange anything, they compare what each has come to, and "
          "end with exit code 11 where it is not the same."},
         compare_operations);
}

bool RunConfig::has_evaluation_data() const {
  const DataSourceKind source = data.source;
  const bool has_splits = is_digits(source) || source == DataSourceKind::kCifar10;
  return evaluation.has_data || (has_splits && data.split == DataSplit::kTrain);
}

DataConfig RunConfig::evaluation_data() const {
  DataConfig held_out = evaluation.has_data ? evaluation.data : data;
  held_out.shuffle = false;
  held_out.augment = {};
  if (evaluation.has_data) return held_out;
  held_out.split = DataSplit::kTest;
  held_out.skip = held_out.subset = 0;
  return held_out;
}

void RunConfig::describe(Fields& f) {
  f.text({"name", "Name of the experiment; run directories are named after it."}, name);
  f.integer({"seed", "Everything random in the run follows from it."}, seed, {.min = 0});
  f.choice_of({"backend", "Where to compute; auto takes a GPU if there is one."}, backend,
              kBackends);
  f.choice_of(
      {"precision",
       "tf32: a GPU's convolutions and matrix products round their factors to 10 bits of "
       "mantissa, which its tensor cores do several times faster. bf16, fp16: while "
       "networks learn, what their layers hand on and the weights that convolutions and "
       "products read have 16 bits; weights themselves, statistics, sums and losses stay "
       "fp32, and so does sampling. With fp16 the loss of each network is scaled: the scale "
       "halves and the update is left out when a gradient overflows (metrics "
       "g.loss_scale, g.skipped), doubles after 2000 updates that did not, and 20 left "
       "out in a row end the run. The CPU has fp32 alone."},
      compute.precision, kPrecisions);
  f.flag({"deterministic",
          "The same bytes in every run; false lets a GPU's libraries also use ways of which two "
          "runs differ by roundings, where those are faster."},
         compute.deterministic);
  f.integer({"threads", "CPU threads that compute; 0 for all that the process may use."}, threads,
            {.min = 0, .max = 1024});
  f.object({"data", "Where real samples come from.", true},
           [this](Fields& g) { data.describe(g); });
  f.object({"latent", "The noise that G turns into samples."},
           [this](Fields& g) { latent.describe(g); });
  for (PlayerConfig* player : players()) {
    f.object(
        {player->section, player->doc}, [player](Fields& g) { player->network.describe(g); },
        &player->present);
  }
  f.object({"objective", "What the networks are trained to do."},
           [this](Fields& g) { objective.describe(g); });
  f.object({"optimizer", "How the weights are updated.", true}, [this](Fields& g) {
    for (PlayerConfig* player : players()) {
      g.object(
          {player->name, player->optimizer_doc},
          [player](Fields& h) { player->optimizer.describe(h); }, &player->has_optimizer);
    }
  });
  f.object({"train", "How long, in what batches, and what to keep.", true},
           [this](Fields& g) { train.describe(g); });
  f.object({"output", "What a run leaves besides checkpoints and metrics."},
           [this](Fields& g) { output.describe(g); });
  f.object(
      {"evaluation", "What a classifier, or a discriminator that names classes, is measured on."},
      [this](Fields& g) { evaluation.describe(g); });
  f.object({"distributed", "How several ranks train together."},
           [this](Fields& g) { distributed.describe(g); });
}

}  // namespace gantry
