// SPDX-License-Identifier: Apache-2.0
// gantry eval
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/json.h"
#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_run.h"
#include "train/agreement.h"
#include "train/data/stacked.h"
#include "train/mode_coverage.h"
#include "train/sampler.h"

namespace gantry {
namespace {

struct EvalArguments {
  std::string run, classifier, weights = "auto";
  int64_t seed = 0, samples = 2500, step = -1;
  bool json = false;
};

// What was measured, for people and for programs.
struct Measured {
  std::string text;
  JsonValue json = JsonValue::object();
};

void add_good(const ModeCoverage& coverage, Measured& measured) {
  measured.text += concat("good        ", 100 * coverage.good, " % of ", coverage.samples,
                          " samples within 3 standard deviations of a mode\n");
  measured.json.add("good_share", JsonValue::of(coverage.good));
}

void add_modes(const ModeCoverage& coverage, Measured& measured) {
  measured.text += concat("modes       ", coverage.found, " of ", coverage.modes, " found\n",
                          "KL          ", coverage.kl, " nats from the uniform choice of modes\n");
  measured.json.add("modes", JsonValue::of(coverage.modes));
  measured.json.add("modes_found", JsonValue::of(coverage.found));
  measured.json.add("mode_kl", JsonValue::of(coverage.kl));
}

void add_asked(const Verdict& asked, Measured& measured) {
  measured.text += concat("classes     ", 100 * asked.accuracy(), " % of ", asked.samples(),
                          " samples are of the class that was asked for\n");
  JsonValue per_class = JsonValue::array();
  for (size_t c = 0; c < asked.classes(); ++c) {
    measured.text += concat("  class ", c, "   ", 100 * asked.accuracy_of(c), " %\n");
    per_class.items.push_back(JsonValue::of(asked.accuracy_of(c)));
  }
  measured.json.add("class_agreement", JsonValue::of(asked.accuracy()));
  measured.json.add("class_agreement_of", std::move(per_class));
}

void add_code(const CodeMeaning& code, Measured& measured, JsonValue& codes) {
  measured.text += concat("code        ", code.name, ": purity ", 100 * code.purity, " %\n");
  JsonValue entry = JsonValue::object(), values = JsonValue::array();
  for (size_t value = 0; value < code.class_of.size(); ++value) {
    measured.text += concat("  value ", value, "   class ", code.class_of[value], ", ",
                            100 * code.share_of[value], " % of its samples\n");
    JsonValue meaning = JsonValue::object();
    meaning.add("class", JsonValue::of(static_cast<int64_t>(code.class_of[value])));
    meaning.add("share", JsonValue::of(code.share_of[value]));
    values.items.push_back(std::move(meaning));
  }
  entry.add("name", JsonValue::of(code.name));
  entry.add("purity", JsonValue::of(code.purity));
  entry.add("values", std::move(values));
  codes.items.push_back(std::move(entry));
}

OpenRun open_classifier(const std::string& folder, Log& log) {
  OpenRun run = open_run(folder, -1, log);
  if (!naming_player(*run.system)) {
    throw ConfigError(concat("--classifier ", folder,
                             ": is no classifier, its "
                             "objective is \"",
                             run.system->config.objective.type, "\""));
  }
  return run;
}

// A part of the samples at a time: a thousand images take megabytes, all of them could take more
// than there is.
ModeCoverage stacked_coverage(const EvalArguments& arguments, const System& system,
                              Sampler& sampler, Classifier& classifier) {
  constexpr int64_t kPart = 1000;
  StackedModes stacked(classifier, system.sample.shape);
  const std::vector<float> labels = system.labels_by_column(arguments.samples, arguments.samples);
  std::vector<int64_t> mode_of;
  for (int64_t first = 0; first < arguments.samples; first += kPart) {
    const int64_t end = std::min(arguments.samples, first + kPart);
    const std::vector<float> latents = sampler.draw_latents(
        static_cast<uint64_t>(arguments.seed), static_cast<uint32_t>(first), end - first);
    std::vector<float> asked;
    if (!labels.empty()) asked.assign(labels.begin() + first, labels.begin() + end);
    const std::vector<int64_t> part = stacked.of(sampler.images(latents, asked), range_of(system));
    mode_of.insert(mode_of.end(), part.begin(), part.end());
  }
  return coverage_of(kStackedModes, mode_of);
}

void add_agreement(const EvalArguments& arguments, const System& system, Sampler& sampler,
                   Classifier& classifier, Measured& measured) {
  const Agreement agreement =
      AgreementMeter(system, sampler, classifier)
          .measure(static_cast<uint64_t>(arguments.seed), arguments.samples);
  if (agreement.asked) add_asked(*agreement.asked, measured);
  if (agreement.codes.empty()) return;
  JsonValue codes = JsonValue::array();
  for (const CodeMeaning& code : agreement.codes) add_code(code, measured, codes);
  measured.json.add("codes", std::move(codes));
}

enum class Modes : uint8_t { kNone, kOfPoints, kOfDigits };

Modes modes_of(DataSourceKind source) {
  if (source == DataSourceKind::kStackedMnist) return Modes::kOfDigits;
  const bool points = source == DataSourceKind::kRing || source == DataSourceKind::kGrid;
  return points ? Modes::kOfPoints : Modes::kNone;
}

void require_classifier(const EvalArguments& arguments, Modes modes) {
  if (modes == Modes::kOfPoints || !arguments.classifier.empty()) return;
  if (modes == Modes::kOfDigits) {
    throw ConfigError(concat(arguments.run,
                             ": the modes of stacked MNIST are counted by a classifier of its "
                             "digits; name the run of one (configs/mnist-classifier.json) with "
                             "--classifier"));
  }
  throw ConfigError(concat(arguments.run,
                           ": its data have no modes to count; eval knows the sources \"ring\", "
                           "\"grid\" and \"stacked_mnist\". For labels and codes, name a "
                           "classifier with --classifier"));
}

void add_points(const EvalArguments& arguments, System& system, Sampler& sampler,
                Measured& measured) {
  const int64_t n = arguments.samples;
  const std::vector<float> latents =
      sampler.draw_latents(static_cast<uint64_t>(arguments.seed), 0, n);
  const ModeCoverage coverage =
      mode_coverage(system.config.data, sampler.images(latents, system.labels_by_column(n, n)));
  add_modes(coverage, measured);
  add_good(coverage, measured);
}

void add_judged(const EvalArguments& arguments, const System& system, Sampler& sampler, Log& log,
                Measured& measured) {
  const OpenRun judge = open_classifier(arguments.classifier, log);
  Classifier classifier(*judge.system, *judge.stream, 250);
  measured.json.add("classifier", JsonValue::of(arguments.classifier));
  if (modes_of(system.config.data.source) == Modes::kOfDigits) {
    return add_modes(stacked_coverage(arguments, system, sampler, classifier), measured);
  }
  add_agreement(arguments, system, sampler, classifier, measured);
}

int eval(const EvalArguments& arguments) {
  Log log(stderr);
  OpenRun open = open_run(arguments.run, arguments.step, log);
  System& system = *open.system;
  require_generator(arguments.run, system);
  const Modes modes = modes_of(system.config.data.source);
  require_classifier(arguments, modes);
  const int64_t batch = std::min<int64_t>(arguments.samples, 500);
  Sampler sampler(system, *open.stream, batch, wants_ema(arguments.weights, system));
  Measured measured;
  measured.json.add("run", JsonValue::of(arguments.run));
  measured.json.add("step", JsonValue::of(static_cast<int64_t>(open.step)));
  measured.json.add("samples", JsonValue::of(arguments.samples));
  if (modes == Modes::kOfPoints) add_points(arguments, system, sampler, measured);
  if (!arguments.classifier.empty()) add_judged(arguments, system, sampler, log, measured);
  const std::string text = arguments.json ? write_json(measured.json) + "\n" : measured.text;
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

Action declare_eval(CLI::App& app) {
  auto arguments = std::make_shared<EvalArguments>();
  app.add_option("RUN", arguments->run, "Run directory.")
      ->required()
      ->check(not_empty("the folder of a run, such as runs/0001-quickstart"));
  app.add_option("--classifier", arguments->classifier,
                 "Run of a classifier: does it see the classes that were asked for, what do "
                 "categorical codes mean, which digits are stacked?");
  app.add_option("--samples", arguments->samples, "How many samples to draw.")
      ->check(integer_from(1, 10000000))
      ->capture_default_str();
  app.add_option("--seed", arguments->seed, "Names the sequence of latents.")
      ->check(integer_from(0))
      ->capture_default_str();
  app.add_option("--step", arguments->step, "Checkpoint to use (default: the latest).")
      ->check(integer_from(0));
  app.add_option("--weights", arguments->weights,
                 "raw, ema, or auto: the moving average where the run keeps one.")
      ->check(CLI::IsMember({"auto", "raw", "ema"}))
      ->capture_default_str();
  app.add_flag("--json", arguments->json, "Print one JSON object.");
  app.footer(
      "For runs on the toy sets ring and grid: how many of their modes G has found; on stacked\n"
      "MNIST, as a classifier of single digits counts them. With a classifier, else: whether the\n"
      "samples are what was asked for.\n"
      "Examples:\n"
      "  gantry eval runs/0001-ring --samples 10000\n"
      "  gantry eval runs/0004-stacked-mnist-gan --classifier runs/0002-mnist-classifier "
      "--samples 25600\n"
      "  gantry eval runs/0003-acgan-mnist --classifier runs/0002-mnist-classifier --json");
  return [arguments] { return eval(*arguments); };
}

}  // namespace gantry
