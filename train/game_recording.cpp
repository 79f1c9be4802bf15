// SPDX-License-Identifier: Apache-2.0
#include "train/game_recording.h"

#include "train/sharded_update.h"

namespace gantry {

GameRecording::GameRecording(System& of, const Objective& played, int64_t updates_of_d)
    : system(of),
      objective(played),
      d_steps(updates_of_d),
      g(of.player("g")),
      d(of.player("d")),
      recorder(of.recorder(program)),
      inputs(of, recorder, taps) {}

BatchPart GameRecording::part(int64_t batch, int64_t shard, int64_t micro) const {
  const int64_t parts = system.config.train.accumulate;
  const int64_t count = batch / (system.shards.count * parts);
  return {(shard * parts + micro) * count, count};
}

void GameRecording::number_samples(int64_t batch, const BatchPart& samples) {
  recorder.first_sample = static_cast<uint32_t>(system.shards.offset(batch) + samples.first);
}

void GameRecording::number_answers(int64_t batch, const BatchPart& samples) {
  recorder.first_sample = answers(batch, samples).first;
}

SampleGroup GameRecording::answers(int64_t batch, const BatchPart& samples) const {
  const int64_t packing = system.config.objective.packing;
  const int64_t first = system.shards.offset(batch) + samples.first;
  return {samples.count / packing, static_cast<uint32_t>(first / packing)};
}

Shown GameRecording::real_batch(int64_t k, const BatchPart& samples) {
  const int64_t batch = system.shards.local(system.config.train.batch);
  return inputs.real(k * batch + samples.first, samples.count);
}

NetworkPass GameRecording::criticise(const Shown& shown, uint32_t draw, int64_t batch_groups,
                                     const std::vector<SampleGroup>& sample_groups,
                                     const std::vector<SpectralPass>& normalized) {
  const ForwardOptions options{.batch_groups = batch_groups,
                               .sample_groups = sample_groups,
                               .pass_id = draw,
                               .reference = d.reference_refs(program),
                               .normalized = normalized};
  return d.network.forward(recorder, d.store, d.store.values(), d.store.state_values(),
                           d.inputs(recorder, shown.x, shown.label), options);
}

ObjectiveCall GameRecording::objective_call(uint32_t draw, double share) {
  const int64_t parts = system.config.train.accumulate * system.shards.count;
  return {recorder, system.metrics, draw, share / static_cast<double>(parts)};
}

void GameRecording::tap_outputs(const char* name, const Critique& critique, size_t calls) {
  const std::vector<NamedShape> outputs = d.network.outputs();
  for (size_t i = 0; i < critique.y.size(); ++i) {
    if (i > 0 && !critique.dy.written(i)) continue;
    const std::string tap = i == 0 ? name : concat(name, ".", outputs[i].name);
    taps.push_back({program.prefix() + tap, critique.y[i], calls});
  }
}

void GameRecording::gradients(
    Player& player, const std::function<void(int64_t shard, int64_t micro)>& record_part) {
  recorder.loss_scale = player.optimizer.loss_scale(program, player.name);
  ShardedUpdate(system, recorder, objective.means(program)).record({&player}, [&](int64_t shard) {
    for (int64_t micro = 0; micro < system.config.train.accumulate; ++micro) {
      const Program::Scope scope(program, concat("m", micro + 1));
      record_part(shard, micro);
    }
  });
}

}  // namespace gantry
