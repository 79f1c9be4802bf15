// SPDX-License-Identifier: Apache-2.0
#include "train/second_look.h"

namespace gantry {
namespace {

// Names of calls and taps: "d1.m1.consistency.". See call_name.cpp.
constexpr const char *kSecondLook = "consistency", *kLabelled = "labelled";

// Of D's passes within a step; part of the reproducibility contract.
constexpr uint32_t kSecondPasses = 1u << 20, kLabelledPasses = 1u << 21;

NetworkPass look(Recorder& recorder, const Player& d, const Shown& shown, const char* name,
                 uint32_t draw) {
  const Program::Scope scope(recorder.program, name);
  const ForwardOptions options{
      .track = false, .pass_id = draw, .reference = d.reference_refs(recorder.program)};
  return d.network.forward(recorder, d.store, d.store.values(), d.store.state_values(),
                           d.inputs(recorder, shown.x, shown.label), options);
}

}  // namespace

SecondLook::SecondLook(Recorder& recorder, const Player& d, const Shown& shown, const char* name,
                       uint32_t draw)
    : recorder_(recorder),
      d_(d),
      name_(name),
      pass_(look(recorder, d, shown, name, draw)),
      dy_(gradients_like(recorder, pass_.outputs)),
      sum_(dy_),
      critique_{.x = shown.x, .label = shown.label, .y = pass_.outputs, .dy = sum_} {}

void SecondLook::backward() {
  const Program::Scope scope(recorder_.program, name_);
  d_.network.backward(recorder_, d_.store, pass_, gradients_of(recorder_, dy_, {&sum_}),
                      {.accumulate = true});
}

std::unique_ptr<SecondLook> make_second_look(System& system, Recorder& recorder, StepInputs& inputs,
                                             const Shown& real, uint32_t draw) {
  if (system.config.objective.consistency.weight == 0) return nullptr;
  const auto shown = [&] {
    const Program::Scope scope(recorder.program, kSecondLook);
    return inputs.again(real, draw);
  }();
  return std::make_unique<SecondLook>(recorder, system.player("d"), shown, kSecondLook,
                                      kSecondPasses + draw);
}

SecondLook look_at_labelled(System& system, Recorder& recorder, StepInputs& inputs,
                            const Shown& labelled, uint32_t draw) {
  const Shown shown = inputs.shown_labelled(labelled, kLabelledPasses + draw);
  return {recorder, system.player("d"), shown, kLabelled, kLabelledPasses + draw};
}

}  // namespace gantry
