// SPDX-License-Identifier: Apache-2.0
#include "train/code_objective.h"

#include "train/system.h"

namespace gantry {

CodeObjective::CodeObjective(std::unique_ptr<Objective> score, const CodeLossConfig& config,
                             const System& system)
    : score_(std::move(score)), config_(config), latent_(system.config.latent) {
  const std::vector<NamedShape> outputs = system.player("d").network.outputs();
  GANTRY_CHECK(outputs.size() == 1 + latent_.codes.size(), "D has ", outputs.size(), " outputs");
  for (size_t i = 0; i < latent_.codes.size(); ++i) {
    const Shape wanted{1, latent_.codes[i].width(), 1, 1};
    const NamedShape& output = outputs[1 + i];
    if (output.shape == wanted) continue;
    throw ConfigError(concat("/discriminator/outputs/", 1 + i, ": the layer \"", output.name,
                             "\" makes ", to_string(output.shape), " (NxCxHxW), but the code \"",
                             latent_.code_name(i), "\" needs ", to_string(wanted)));
  }
}

void CodeObjective::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  score_->discriminator_real(call, real);
}

void CodeObjective::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  score_->discriminator_fake(call, fake);
  record(call, fake, "d");
}

void CodeObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  score_->generator(call, fake);
  if (config_.updates == CodeLossConfig::Updates::kBoth) record(call, fake, "g");
}

void CodeObjective::record(const ObjectiveCall& call, const Critique& critique,
                           const std::string& player) const {
  for (size_t i = 0; i < latent_.codes.size(); ++i) record_code(call, critique, player, i);
}

void CodeObjective::record_code(const ObjectiveCall& call, const Critique& critique,
                                const std::string& player, size_t code) const {
  Recorder& r = call.recorder;
  const bool categorical = latent_.codes[code].type == CodeConfig::Type::kCategorical;
  const TensorRef& read = critique.y[1 + code];
  const double lambda = (categorical ? config_.categorical : config_.continuous) * call.scale;
  // The mean squared error is over samples and numbers, the likelihood sums over the numbers.
  const double of_loss =
      categorical ? 1
                  : static_cast<double>(read.shape.c) / (2 * config_.deviation * config_.deviation);
  const LossDesc loss{.kind = categorical ? LossDesc::Kind::kCrossEntropy : LossDesc::Kind::kMse,
                      .x = read.shape,
                      .t = critique.codes[code].shape,
                      .scale = static_cast<float>(lambda * of_loss)};
  const std::string name = latent_.code_name(code);
  const TensorRef value =
      call.metrics.slot(r.program, concat(player, ".code_loss_", name), 1 / lambda);
  const TensorRef rate = categorical
                             ? call.metrics.slot(r.program, concat(player, ".code_accuracy_", name))
                             : r.temp("no_rate", vector_shape(1));
  critique.dy.add(r, 1 + code, [&](const TensorRef& dy) {
    call.record(concat("loss_code_", name), r.kernels.loss(loss, true), {value, rate, dy},
                {read, critique.codes[code]});
  });
}

}  // namespace gantry
