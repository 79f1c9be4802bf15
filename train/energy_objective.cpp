// SPDX-License-Identifier: Apache-2.0
#include "train/energy_objective.h"

#include "models/shared_batch.h"

namespace gantry {
namespace {

// Where the numbers of a reconstruction loss go; empty ones are thrown away.
struct EnergyCall {
  const char* name;
  ReconstructionDesc desc;
  TensorRef value{}, energy{}, active{};
  TensorRef weight{};  // empty: unweighted
};

// Records the loss and adds its gradients to the critique's.
void record_energy(const ObjectiveCall& call, const Critique& critique, EnergyCall energy) {
  Recorder& r = call.recorder;
  for (TensorRef* result : {&energy.value, &energy.energy, &energy.active}) {
    if (!*result) *result = r.temp("unused", vector_shape(1));
  }
  TensorRefs inputs = {critique.y[0], critique.x};
  if (energy.weight) inputs.push_back(energy.weight);
  energy.desc.weighted = static_cast<bool>(energy.weight);
  critique.dy.add(r, 0, [&](const TensorRef& dy) {
    TensorRefs outputs = {energy.value, energy.energy, energy.active, dy};
    if (!energy.desc.want_dx) {
      call.record(energy.name, r.kernels.reconstruction(energy.desc), outputs, inputs);
      return;
    }
    critique.dx->add(r, 0, [&](const TensorRef& dx) {
      outputs.push_back(dx);
      call.record(energy.name, r.kernels.reconstruction(energy.desc), outputs, inputs);
    });
  });
}

}  // namespace

ReconstructionDesc EbganObjective::energy_of(const ObjectiveCall& call,
                                             const Critique& critique) const {
  return {.kind = ReconstructionDesc::Kind::kSquared,
          .x = critique.x.shape,
          .mean = config_.mean,
          .scale = static_cast<float>(call.scale)};
}

void EbganObjective::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  Program& program = call.recorder.program;
  record_energy(call, real,
                {.name = "loss_real",
                 .desc = energy_of(call, real),
                 .value = call.metrics.slot(program, "d.loss_real", 1 / call.scale),
                 .energy = call.metrics.slot(program, "d.energy_real")});
}

void EbganObjective::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  Program& program = call.recorder.program;
  ReconstructionDesc desc = energy_of(call, fake);
  desc.hinge = true;
  desc.margin = static_cast<float>(config_.margin);
  record_energy(call, fake,
                {.name = "loss_fake",
                 .desc = desc,
                 .value = call.metrics.slot(program, "d.loss_fake", 1 / call.scale),
                 .energy = call.metrics.slot(program, "d.energy_fake"),
                 .active = call.metrics.slot(program, "d.inside_margin")});
}

void EbganObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  ReconstructionDesc desc = energy_of(call, fake);
  desc.want_dx = true;
  record_energy(call, fake,
                {.name = "loss_fake",
                 .desc = desc,
                 .value = call.metrics.slot(call.recorder.program, "g.loss", 1 / call.scale)});
  if (config_.pt_weight > 0) pull_away(call, fake);
}

void EbganObjective::pull_away(const ObjectiveCall& call, const Critique& fake) const {
  Recorder& r = call.recorder;
  const TensorRef code = of_all_ranks(r, "codes", fake.y[1]);
  const double scale = config_.pt_weight * call.scale * static_cast<double>(ranks_sharing(r));
  const PullingAwayDesc desc{.s = code.shape, .scale = static_cast<float>(scale)};
  const TensorRef value = call.metrics.slot(r.program, "g.pulling_away", 1 / scale);
  fake.dy.add(r, 1, [&](const TensorRef& dy) {
    const TensorRef of_all = r.sharing ? r.temp("d_codes", code.shape) : dy;
    call.record("loss_pulling_away", r.kernels.pulling_away(desc), {value, of_all}, {code});
    if (!r.sharing) return;
    call.record("take_own", r.kernels.sum({.y = dy.shape, .scale = {1.0f}}), {dy},
                {own_rows(r, of_all)});
  });
}

BeganObjective::BeganObjective(const BeganConfig& config, System& system)
    : config_(config),
      k_(system.keep("objective.k", vector_shape(1), config.k)),
      loss_real_(system.keep("objective.loss_real", vector_shape(1), 0)),
      loss_generated_(*system.backend.device, vector_shape(1), system.backend.kernels->real()) {}

TensorRefs BeganObjective::means(Program& program) const {
  return {program.external("objective.loss_real", loss_real_),
          program.external("objective.loss_generated", loss_generated_.view())};
}

void BeganObjective::discriminator_real(const ObjectiveCall& call, const Critique& real) const {
  Recorder& r = call.recorder;
  const TensorRef kept = r.program.external("objective.loss_real", loss_real_);
  record_energy(call, real,
                {.name = "loss_real",
                 .desc = {.kind = ReconstructionDesc::Kind::kAbsolute,
                          .x = real.x.shape,
                          .mean = true,
                          .scale = static_cast<float>(call.scale)},
                 .value = call.metrics.slot(r.program, "d.loss_real", 1 / call.scale),
                 .energy = kept});
  call.record("keep_loss", r.kernels.sum({.y = kept.shape, .scale = {1.0f}}),
              {call.metrics.slot(r.program, "d.energy_real")}, {kept});
}

void BeganObjective::discriminator_fake(const ObjectiveCall& call, const Critique& fake) const {
  Program& program = call.recorder.program;
  record_energy(call, fake,
                {.name = "loss_fake",
                 .desc = {.kind = ReconstructionDesc::Kind::kAbsolute,
                          .x = fake.x.shape,
                          .mean = true,
                          .scale = static_cast<float>(-call.scale)},
                 .value = call.metrics.slot(program, "d.loss_fake", 1 / call.scale),
                 .energy = call.metrics.slot(program, "d.energy_fake"),
                 .weight = program.external("objective.k", k_)});
}

void BeganObjective::generator(const ObjectiveCall& call, const Critique& fake) const {
  Recorder& r = call.recorder;
  record_energy(call, fake,
                {.name = "loss_fake",
                 .desc = {.kind = ReconstructionDesc::Kind::kAbsolute,
                          .x = fake.x.shape,
                          .mean = true,
                          .scale = static_cast<float>(call.scale),
                          .want_dx = true},
                 .value = call.metrics.slot(r.program, "g.loss", 1 / call.scale),
                 .energy = means(r.program)[1]});
}

void BeganObjective::generator_done(const ObjectiveCall& call) const {
  Recorder& r = call.recorder;
  const EquilibriumDesc desc{.gamma = static_cast<float>(config_.gamma),
                             .lambda = static_cast<float>(config_.lambda)};
  const TensorRef k = r.program.external("objective.k", k_);
  call.record("equilibrium", r.kernels.equilibrium(desc),
              {call.metrics.slot(r.program, "convergence"), call.metrics.slot(r.program, "d.k")},
              means(r.program), {k});
}

}  // namespace gantry
