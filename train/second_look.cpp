// SPDX-License-Identifier: Apache-2.0
#include "train/second_look.h"

namespace gantry {
namespace {

constexpr const char* kSecondLook = "consistency";  // calls and taps: "d1.m1.consistency."

// Of D's passes within a step; part of the reproducibility contract.
constexpr uint32_t kSecondPasses = 1u << 20;

NetworkPass look(Recorder& recorder, const Player& d, const Shown& shown, uint32_t draw) {
  const ForwardOptions options{.track = false,
                               .pass_id = kSecondPasses + draw,
                               .reference = d.reference_refs(recorder.program)};
  return d.network.forward(recorder, d.store, d.store.values(), d.store.state_values(),
                           d.inputs(recorder, shown.x, shown.label), options);
}

}  // namespace

SecondLook::SecondLook(Recorder& recorder, const Player& d, const Shown& shown, uint32_t draw)
    : recorder_(recorder),
      d_(d),
      pass_(look(recorder, d, shown, draw)),
      dy_(gradients_like(recorder, pass_.outputs)),
      sum_(dy_),
      critique_{.x = shown.x, .label = shown.label, .y = pass_.outputs, .dy = sum_} {}

void SecondLook::backward() {
  const Program::Scope scope(recorder_.program, kSecondLook);
  d_.network.backward(recorder_, d_.store, pass_, gradients_of(recorder_, dy_, {&sum_}),
                      {.accumulate = true});
}

std::unique_ptr<SecondLook> make_second_look(System& system, Recorder& recorder, StepInputs& inputs,
                                             const Shown& real, uint32_t draw) {
  if (system.config.objective.consistency.weight == 0) return nullptr;
  const Program::Scope scope(recorder.program, kSecondLook);
  return std::make_unique<SecondLook>(recorder, system.player("d"), inputs.again(real, draw), draw);
}

}  // namespace gantry
