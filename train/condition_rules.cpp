// SPDX-License-Identifier: Apache-2.0
#include "train/condition_rules.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "train/last_layer.h"
#include "train/latents.h"
#include "train/system.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

bool takes_label(const PlayerConfig& player) {
  const std::vector<std::string>& inputs = player.network.inputs;
  return std::find(inputs.begin(), inputs.end(), kLabelInput) != inputs.end();
}

void check_inputs(const PlayerConfig& player, const std::string& main, Rules& rules) {
  const std::vector<std::string>& inputs = player.network.inputs;
  const std::string section = concat("/", player.section, "/inputs");
  std::set<std::string> seen;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string place = concat(section, "/", i);
    if (inputs[i] != main && inputs[i] != kLabelInput) {
      rules.push_back({place, concat("\"", inputs[i], "\": the ", player.section, " is given \"",
                                     main, "\" and \"label\"; name one of these")});
    } else if (!seen.insert(inputs[i]).second) {
      rules.push_back({place, concat("\"", inputs[i], "\" is named twice; remove one")});
    }
  }
  if (!inputs.empty() && !seen.contains(main)) {
    rules.push_back({section, concat("\"", main, "\" is missing; without it the ", player.section,
                                     " would see labels alone")});
  }
}

void check_who_is_told(const RunConfig& config, Rules& rules) {
  const bool g = takes_label(config.generator), d = takes_label(config.discriminator);
  if (config.objective.type == "acgan") {
    if (!g) {
      rules.push_back(
          {"/generator/inputs", "the objective \"acgan\" asks G for a class; add \"label\" here"});
    }
    if (d) {
      rules.push_back(
          {"/discriminator/inputs",
           "the objective \"acgan\" has D name the class of each sample, which it would "
           "be told here; remove \"label\""});
    }
    return;
  }
  if (config.objective.is_semi_supervised() && (g || d)) {
    rules.push_back({concat("/", g ? "generator" : "discriminator", "/inputs"),
                     "the objective \"semi_supervised\" knows the labels of a few samples alone; "
                     "remove \"label\""});
    return;
  }
  if (d && !g) {
    rules.push_back({"/discriminator/inputs",
                     "D is told the label of each sample and G is not, so G cannot match it; add "
                     "\"label\" to the inputs of the generator, or remove it here"});
  }
  if (g && !d) {
    rules.push_back({"/generator/inputs",
                     "G is told which class to make and nobody checks it; add \"label\" to the "
                     "inputs of the discriminator, or remove it here"});
  }
}

// A point between or about samples has a class only where real and generated ones share it.
void check_penalties_of_labels(const RunConfig& config, Rules& rules) {
  if (!config.objective.penalties.any() || !takes_label(config.discriminator)) return;
  if (config.latent.labels == LatentConfig::Labels::kData) return;
  rules.push_back({"/latent/labels",
                   "/objective/penalties of a discriminator that is told labels need pairs of a "
                   "real and a generated sample of one class; use \"data\""});
}

void check_label_source(const RunConfig& config, Rules& rules) {
  if (config.latent.labels != LatentConfig::Labels::kData) return;
  const char* const key = "/latent/labels";
  const TrainConfig& train = config.train;
  if (!takes_label(config.generator)) {
    rules.push_back({key, "\"data\" has no effect: the generator has no input \"label\""});
  } else if (train.fakes() != train.batch || train.generator_samples() != train.batch) {
    rules.push_back(
        {key, concat("\"data\" takes the classes of the real batch, so fake_batch (", train.fakes(),
                     ") and generator_batch (", train.generator_samples(), ") must be batch (",
                     train.batch, "); or use \"uniform\"")});
  }
}

// Logits of classes may have any value.
void check_logits(const PlayerConfig& player, size_t output, Rules& rules) {
  const LastLayer last = last_layer(player.network, concat("/", player.section), output);
  if (!any_of(last.type, {"sigmoid", "tanh", "relu", "softplus"})) return;
  rules.push_back({last.pointer, concat("the cross-entropy takes logits, which ", last.type,
                                        " bounds; remove this layer")});
}

// D's outputs: a score, and what else the objective asks for.
void check_outputs(const RunConfig& config, Rules& rules) {
  const std::string& type = config.objective.type;
  const bool infogan = type == "infogan";
  if (infogan && config.latent.codes.empty()) {
    rules.push_back({"/latent/codes", "the objective \"infogan\" needs codes to read; name some"});
  }
  if (type != "acgan" && !infogan) return;
  const size_t wanted = 1 + (infogan ? config.latent.codes.size() : 1);
  const size_t found = config.discriminator.network.outputs.size();
  if (found != wanted) {
    rules.push_back({"/discriminator/outputs",
                     concat("the objective \"", type, "\" needs ", wanted, " outputs: the score",
                            infogan ? ", and one for each code" : " and the logits of the classes",
                            "; found ", found)});
    return;
  }
  for (size_t i = 1; i < wanted; ++i) {
    if (infogan && config.latent.codes[i - 1].type != CodeConfig::Type::kCategorical) continue;
    check_logits(config.discriminator, i, rules);
  }
}

void check_codes(const RunConfig& config, Rules& rules) {
  const LatentConfig& latent = config.latent;
  if (latent.codes.empty()) return;
  if (config.objective.type != "infogan") {
    rules.push_back({"/latent/codes", concat("the objective \"", config.objective.type,
                                             "\" reads no codes; remove them, and make "
                                             "latent.size larger if G should have more noise")});
  }
  if (latent.codes.size() > LatentKeys::kMostCodes) {
    rules.push_back({"/latent/codes", concat("has ", latent.codes.size(), " codes; at most ",
                                             LatentKeys::kMostCodes, " are possible")});
  }
  std::set<std::string> names;
  for (size_t i = 0; i < latent.codes.size(); ++i) {
    if (names.insert(latent.code_name(i)).second) continue;
    rules.push_back({concat("/latent/codes/", i, "/name"),
                     concat("\"", latent.code_name(i), "\" is also that of another code")});
  }
}

}  // namespace

void check_conditions(const RunConfig& config, Rules& rules) {
  check_inputs(config.generator, "z", rules);
  check_inputs(config.discriminator, "x", rules);
  check_inputs(config.encoder, "x", rules);
  if (takes_label(config.encoder)) {
    rules.push_back({"/encoder/inputs", "an encoder is not told labels; remove \"label\""});
  }
  check_inputs(config.classifier, "x", rules);
  if (takes_label(config.classifier)) {
    rules.push_back({"/classifier/inputs", "a classifier is not told labels; remove \"label\""});
  }
  if (config.objective.is_classifier()) check_logits(config.classifier, 0, rules);
  if (config.objective.is_semi_supervised()) check_logits(config.discriminator, 0, rules);
  check_who_is_told(config, rules);
  check_outputs(config, rules);
  check_label_source(config, rules);
  check_penalties_of_labels(config, rules);
  check_codes(config, rules);
}

}  // namespace gantry
