// SPDX-License-Identifier: Apache-2.0
#include "train/generator_recording.h"

namespace gantry {
namespace {

// Draws of one step are told apart by these ids; part of the reproducibility contract.
constexpr uint32_t kGeneratorDraws = 1u << 16;

uint32_t draw_of(int64_t k) { return kGeneratorDraws + static_cast<uint32_t>(k); }

}  // namespace

void GeneratorRecording::record() {
  for (int64_t k = 0; k < game_.system.config.train.g_steps; ++k) update(k);
}

void GeneratorRecording::update(int64_t k) {
  const Program::Scope scope(game_.program, concat("g", k + 1));
  game_.gradients(game_.g, [&](int64_t shard, int64_t micro) { record_part(k, shard, micro); });
  game_.objective.generator_done(game_.objective_call(draw_of(k), 1));
  game_.g.optimizer.record(game_.recorder, game_.g.store, game_.system.metrics, "g");
}

void GeneratorRecording::record_part(int64_t k, int64_t shard, int64_t micro) {
  Recorder& recorder = game_.recorder;
  const Player &g = game_.g, &d = game_.d;
  const TrainConfig& train = game_.system.config.train;
  const uint32_t draw = draw_of(k);
  const int64_t batch = train.generator_samples();
  const BatchPart samples = game_.part(batch, shard, micro);
  game_.number_samples(batch, samples);
  Fakes made = fakes(k, shard, micro, samples);
  const Shown seen = game_.inputs.shown(made, 2 * draw);
  game_.number_answers(batch, samples);
  NetworkPass pass = game_.criticise(seen, 2 * draw, 1);
  const TensorRefs dy = gradients_like(recorder, pass.outputs);
  GradientSum sum(dy), direct({recorder.temp("d_shown", seen.x.shape)});
  const size_t calls = game_.program.calls().size();
  const Critique answer{
      .x = seen.x,
      .label = seen.label,
      .latent = made.latents.z,
      .codes = seen.codes,
      .y = pass.outputs,
      .dy = sum,
      .dx = &direct,
      .y_real = real_outputs(k, game_.part(train.batch, shard, micro), draw, pass.spectral)};
  game_.number_answers(batch, samples);
  game_.objective.generator(game_.objective_call(draw, 1), answer);
  game_.tap_outputs("score_fake", answer, calls);
  const TensorRefs dx =
      d.network.backward(recorder, d.store, pass, gradients_of(recorder, dy, {&sum}),
                         {.want_dx = true, .want_dw = false});
  TensorRefs dfake(made.pass.outputs.size());
  dfake[0] = game_.inputs.unshown(seen, dx[d.main_input()], direct);
  g.network.backward(recorder, g.store, made.pass, dfake, {.accumulate = micro > 0});
}

Fakes GeneratorRecording::fakes(int64_t k, int64_t shard, int64_t micro, const BatchPart& samples) {
  const auto index = static_cast<size_t>(shard * game_.system.config.train.accumulate + micro);
  if (k == 0 && index < game_.reusable.size()) return std::move(game_.reusable[index]);
  return game_.inputs.generate(draw_of(k), samples.count, asked_labels(samples));
}

// The classes of the last real batch of D, where G is asked for those.
TensorRef GeneratorRecording::asked_labels(const BatchPart& samples) {
  if (game_.system.config.latent.labels != LatentConfig::Labels::kData) return {};
  return game_.real_batch(game_.d_steps - 1, samples).label;
}

// D's outputs for a real batch that no update of D of this step has seen, where asked for.
TensorRefs GeneratorRecording::real_outputs(int64_t k, const BatchPart& samples, uint32_t draw,
                                            const std::vector<SpectralPass>& normalized) {
  if (!game_.objective.compares_real()) return {};
  game_.number_samples(game_.system.config.train.batch, samples);
  const Shown batch = game_.real_batch(game_.d_steps + k, samples);
  game_.inputs.tap(batch);
  const Shown shown = game_.inputs.shown(batch, 2 * draw + 1);
  game_.number_answers(game_.system.config.train.batch, samples);
  return game_.criticise(shown, 2 * draw + 1, 1, {}, normalized).outputs;
}

}  // namespace gantry
