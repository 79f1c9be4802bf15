// SPDX-License-Identifier: Apache-2.0
#include "train/input_penalty.h"

#include "models/shared_batch.h"

namespace gantry {
namespace {

using PenaltyKind = GradientPenaltyDesc::Kind;

// Of D's passes and of the draws; part of the reproducibility contract.
constexpr uint32_t kPenaltyPasses = 1u << 18;
enum Draw : uint32_t { kBetween, kAbout, kNoise };

GradientPenaltyDesc slope_penalty(const SlopePenaltyConfig& config) {
  return {.kind = config.one_sided ? PenaltyKind::kOneSided : PenaltyKind::kTwoSided,
          .target = static_cast<float>(config.target),
          .scale = static_cast<float>(config.weight)};
}

GradientPenaltyDesc size_penalty(double gamma) {
  return {.kind = PenaltyKind::kSquared, .scale = static_cast<float>(gamma)};
}

}  // namespace

struct InputPenalties::Term {
  const char* name;
  uint32_t id;
  GradientPenaltyDesc desc;  // scale: the weight alone
};

int InputPenalties::count() const {
  return (config_.gradient.weight > 0) + (config_.dragan.weight > 0) + (config_.r1 > 0) +
         (config_.r2 > 0);
}

void InputPenalties::record(const ObjectiveCall& call, const PenalisedBatch& batch,
                            const Critic& critic) const {
  const auto add = [&](const Term& term, const auto& point) {
    if (term.desc.scale == 0) return;
    const Program::Scope scope(call.recorder.program, term.name);
    record_term(call, term, critic(point(), kPenaltyPasses + 4 * batch.draw + term.id));
  };
  add({"gradient", 0, slope_penalty(config_.gradient)}, [&] { return between(call, batch); });
  add({"dragan", 1, slope_penalty(config_.dragan)}, [&] { return about(call, batch); });
  add({"r1", 2, size_penalty(config_.r1)}, [&] { return batch.real; });
  add({"r2", 3, size_penalty(config_.r2)}, [&] { return batch.fake; });
}

TensorRef InputPenalties::between(const ObjectiveCall& call, const PenalisedBatch& batch) const {
  Recorder& r = call.recorder;
  const InterpolateDesc desc{
      .x = batch.real.shape,
      .key = random_key(seed_, Purpose::kPenalty, 4 * batch.draw + Draw::kBetween),
      .first_sample = r.first_sample};
  const TensorRef x = r.temp("between", desc.x);
  call.record("between", r.kernels.interpolate(desc), {x}, {batch.real, batch.fake, r.step});
  return x;
}

TensorRef InputPenalties::about(const ObjectiveCall& call, const PenalisedBatch& batch) const {
  Recorder& r = call.recorder;
  const TensorRef deviation = record_deviation(call, batch.whole);
  const PerturbDesc desc{
      .x = batch.real.shape,
      .spread = static_cast<float>(config_.dragan.spread),
      .key = random_key(seed_, Purpose::kPenalty, 4 * batch.draw + Draw::kAbout),
      .noise_key = random_key(seed_, Purpose::kPenalty, 4 * batch.draw + Draw::kNoise),
      .first_sample = r.first_sample};
  const TensorRef x = r.temp("about", desc.x);
  call.record("about", r.kernels.perturb(desc), {x}, {batch.real, deviation, r.step});
  return x;
}

// Of the batch that ranks share: each tells the others two numbers with the mean and the deviation
// of its part, mean + deviation and mean - deviation. Together they deviate as all samples do.
TensorRef InputPenalties::record_deviation(const ObjectiveCall& call, const TensorRef& x) const {
  Recorder& r = call.recorder;
  const TensorRef deviation = r.temp("deviation", vector_shape(1));
  call.record("deviation", r.kernels.deviation({x.shape}), {deviation}, {x});
  if (!r.sharing) return deviation;
  const TensorRef mean = r.temp("mean", vector_shape(1)), pair = r.temp("pair", {2, 1, 1, 1});
  const ReduceDesc reduce{.x = x.shape, .scale = 1 / static_cast<float>(x.shape.elements())};
  call.record("mean", r.kernels.reduce(reduce), {mean}, {x});
  for (const float sign : {1.0f, -1.0f}) {
    const SumDesc sum{.y = mean.shape, .scale = {1, sign}};
    call.record("pair", r.kernels.sum(sum), {pair.samples(sign > 0 ? 0 : 1, 1)}, {mean, deviation});
  }
  const TensorRef pairs = of_all_ranks(r, "pair", pair);
  const TensorRef of_all = r.temp("deviation_of_all", vector_shape(1));
  call.record("deviation", r.kernels.deviation({pairs.shape}), {of_all}, {pairs});
  return of_all;
}

void InputPenalties::record_term(const ObjectiveCall& call, const Term& term,
                                 NetworkPass pass) const {
  Recorder& r = call.recorder;
  const Shape score = pass.outputs[0].shape;
  TensorRefs dy(pass.outputs.size());
  dy[0] = r.temp("d_answer", score);
  const float share = 1.0f / static_cast<float>(score.pixels());
  call.record("d_answer", r.kernels.sum({.y = score, .constant = share}), {dy[0]}, {});
  const TensorRef g = d_.network.backward(
      r, d_.store, pass, dy,
      {.want_dx = true, .want_dw = false, .keep_deltas = true})[d_.main_input()];

  GradientPenaltyDesc desc = term.desc;
  const double lazy = static_cast<double>(config_.every) * call.scale;
  desc.g = g.shape;
  desc.scale = static_cast<float>(lazy * static_cast<double>(desc.scale));
  TensorRefs v(pass.inputs.size());
  TensorRef& tangent = v[d_.main_input()];
  tangent = r.temp("v", g.shape);
  call.record(concat("loss_", term.name), r.kernels.gradient_penalty(desc),
              {call.metrics.slot(r.program, metric("d.penalty", term), 1 / lazy),
               call.metrics.slot(r.program, metric("d.gradient_norm", term)), tangent},
              {g});
  d_.network.double_backward(r, d_.store, pass, v);
}

std::string InputPenalties::metric(const char* name, const Term& term) const {
  return count() > 1 ? concat(name, "_", term.name) : name;
}

}  // namespace gantry
