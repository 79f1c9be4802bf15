// SPDX-License-Identifier: Apache-2.0
#include "train/discriminator_recording.h"

#include "train/second_look.h"

namespace gantry {

DiscriminatorRecording::DiscriminatorRecording(GameRecording& game, bool penalised)
    : game_(game),
      penalised_(penalised),
      penalties_(game.system.config.objective.penalties, game.d, game.system.seed()) {}

void DiscriminatorRecording::record() {
  const RunConfig& config = game_.system.config;
  if (game_.objective.reads_labelled()) {
    labelled_ = game_.inputs.labelled(game_.d_steps * config.train.batch);
  }
  const bool alternating = config.objective.real_fake == ObjectiveConfig::RealFake::kAlternating;
  for (int64_t k = 0; k < game_.d_steps; ++k) alternating ? alternating_updates(k) : update(k);
}

void DiscriminatorRecording::update(int64_t k) {
  const Program::Scope scope(game_.program, concat("d", ++updates_));
  game_.gradients(game_.d, [&](int64_t shard, int64_t micro) { record_part(k, shard, micro); });
  optimize();
}

void DiscriminatorRecording::record_part(int64_t k, int64_t shard, int64_t micro) {
  const TrainConfig& train = game_.system.config.train;
  const auto draw = static_cast<uint32_t>(k);
  const BatchPart reals = game_.part(train.batch, shard, micro);
  const BatchPart made = game_.part(train.fakes(), shard, micro);
  const Shown batch = game_.real_batch(k, reals);
  game_.inputs.tap(batch);
  game_.number_samples(train.fakes(), made);
  Fakes fakes = game_.inputs.generate(draw, made.count, batch.label);
  const Shown fake = game_.inputs.shown(fakes, 2 * draw + 1);
  game_.number_samples(train.batch, reals);
  const Shown real = game_.inputs.shown(batch, 2 * draw);
  game_.number_answers(train.batch, reals);
  judge(real, fake, draw, {reals, made}, micro > 0);
  judge_labelled(k, reals, draw);
  if (penalised_) {
    game_.number_answers(train.batch, reals);
    const int64_t size = train.batch / game_.system.shards.count;
    const BatchPart whole{shard * size, size};
    penalise({real.x, fake.x, game_.real_batch(k, whole).x, draw}, real.label);
  }
  if (train.reuse_fakes && k == game_.d_steps - 1) game_.reusable.push_back(std::move(fakes));
}

// Two batches, two updates: train_on_batch(real), train_on_batch(fake) of the Keras listings.
void DiscriminatorRecording::alternating_updates(int64_t k) {
  const TrainConfig& train = game_.system.config.train;
  const auto draw = static_cast<uint32_t>(k);
  {
    const Program::Scope scope(game_.program, concat("d", ++updates_));
    game_.gradients(game_.d, [&](int64_t shard, int64_t micro) {
      const BatchPart samples = game_.part(train.batch, shard, micro);
      game_.number_samples(train.batch, samples);
      const Shown batch = game_.real_batch(k, samples);
      game_.inputs.tap(batch);
      const Shown real = game_.inputs.shown(batch, 2 * draw);
      game_.number_answers(train.batch, samples);
      judge_real(real, draw, 1, micro > 0);
      judge_labelled(k, samples, draw);
    });
    optimize();
  }
  const Program::Scope scope(game_.program, concat("d", ++updates_));
  game_.gradients(game_.d, [&](int64_t shard, int64_t micro) {
    const BatchPart samples = game_.part(train.fakes(), shard, micro);
    game_.number_samples(train.fakes(), samples);
    const TensorRef asked = game_.real_batch(k, game_.part(train.batch, shard, micro)).label;
    const Fakes fakes = game_.inputs.generate(draw, samples.count, asked);
    const Shown fake = game_.inputs.shown(fakes, 2 * draw + 1);
    game_.number_answers(train.fakes(), samples);
    judge_fake(fake, draw, 1, micro > 0);
  });
  optimize();
}

void DiscriminatorRecording::judge(const Shown& real, const Shown& fake, uint32_t draw,
                                   const Halves& halves, bool accumulate) {
  using RealFake = ObjectiveConfig::RealFake;
  const bool mixed = game_.system.config.objective.real_fake == RealFake::kMixed;
  if (mixed || real.x.shape.n == fake.x.shape.n) {
    judge_together(real, fake, draw, halves, mixed ? 1 : 2, accumulate);
  } else {
    judge_apart(real, fake, draw, halves, accumulate);
  }
}

// One batch [real; fake]: with statistics per half it is two passes at the cost of one.
void DiscriminatorRecording::judge_together(const Shown& real, const Shown& fake, uint32_t draw,
                                            const Halves& halves, int64_t batch_groups,
                                            bool accumulate) {
  Recorder& recorder = game_.recorder;
  const TrainConfig& train = game_.system.config.train;
  const int64_t n = real.x.shape.n, m = fake.x.shape.n;
  const Shown both = game_.inputs.joined(real, fake);
  NetworkPass pass = game_.criticise(
      both, 2 * draw, batch_groups,
      {game_.answers(train.batch, halves.real), game_.answers(train.fakes(), halves.fake)});
  const TensorRefs dy = gradients_like(recorder, pass.outputs);
  GradientSum dy_real(samples_of(dy, 0, n)), dy_fake(samples_of(dy, n, m));
  const auto again = make_second_look(game_.system, recorder, game_.inputs, real, draw);
  objective_real({.x = both.x.samples(0, n),
                  .label = real.label,
                  .y = samples_of(pass.outputs, 0, n),
                  .dy = dy_real,
                  .again = again ? &again->critique() : nullptr},
                 draw, share(n, m));
  game_.number_answers(train.fakes(), halves.fake);
  objective_fake({.x = both.x.samples(n, m),
                  .label = fake.label,
                  .codes = fake.codes,
                  .y = samples_of(pass.outputs, n, m),
                  .dy = dy_fake},
                 draw, share(m, n));
  backward(pass, gradients_of(recorder, dy, {&dy_real, &dy_fake}), accumulate);
  if (again) again->backward();
}

// Halves of different size with statistics of their own: two passes, one update, and one power
// iteration as for the joined batch.
void DiscriminatorRecording::judge_apart(const Shown& real, const Shown& fake, uint32_t draw,
                                         const Halves& halves, bool accumulate) {
  const std::vector<SpectralPass> normalized =
      judge_real(real, draw, share(real.x.shape.n, fake.x.shape.n), accumulate);
  game_.number_answers(game_.system.config.train.fakes(), halves.fake);
  judge_fake(fake, draw, share(fake.x.shape.n, real.x.shape.n), true, normalized);
}

std::vector<SpectralPass> DiscriminatorRecording::judge_real(const Shown& shown, uint32_t draw,
                                                             double weight, bool accumulate) {
  Recorder& recorder = game_.recorder;
  NetworkPass pass = game_.criticise(shown, 2 * draw, 1);
  const TensorRefs dy = gradients_like(recorder, pass.outputs);
  GradientSum sum(dy);
  const auto again = make_second_look(game_.system, recorder, game_.inputs, shown, draw);
  objective_real({.x = shown.x,
                  .label = shown.label,
                  .y = pass.outputs,
                  .dy = sum,
                  .again = again ? &again->critique() : nullptr},
                 draw, weight);
  backward(pass, gradients_of(recorder, dy, {&sum}), accumulate);
  if (again) again->backward();
  return pass.spectral;
}

void DiscriminatorRecording::judge_fake(const Shown& shown, uint32_t draw, double weight,
                                        bool accumulate,
                                        const std::vector<SpectralPass>& normalized) {
  NetworkPass pass = game_.criticise(shown, 2 * draw + 1, 1, {}, normalized);
  const TensorRefs dy = gradients_like(game_.recorder, pass.outputs);
  GradientSum sum(dy);
  objective_fake(
      {.x = shown.x, .label = shown.label, .codes = shown.codes, .y = pass.outputs, .dy = sum},
      draw, weight);
  backward(pass, gradients_of(game_.recorder, dy, {&sum}), accumulate);
}

// The samples of known class that go with those of the k-th real batch.
void DiscriminatorRecording::judge_labelled(int64_t k, const BatchPart& samples, uint32_t draw) {
  if (!game_.objective.reads_labelled()) return;
  const int64_t batch = game_.system.config.train.batch;
  game_.number_samples(batch, samples);
  const int64_t first = k * batch + game_.system.shards.offset(batch) + samples.first;
  SecondLook look = look_at_labelled(game_.system, game_.recorder, game_.inputs,
                                     labelled_.samples(first, samples.count), draw);
  game_.objective.discriminator_labelled(game_.objective_call(draw, 1), look.critique());
  look.backward();
}

void DiscriminatorRecording::objective_real(const Critique& critique, uint32_t draw,
                                            double weight) {
  const size_t calls = game_.program.calls().size();
  game_.objective.discriminator_real(game_.objective_call(draw, weight), critique);
  game_.tap_outputs("score_real", critique, calls);
}

void DiscriminatorRecording::objective_fake(const Critique& critique, uint32_t draw,
                                            double weight) {
  const size_t calls = game_.program.calls().size();
  game_.objective.discriminator_fake(game_.objective_call(draw, weight), critique);
  game_.tap_outputs("score_fake", critique, calls);
}

// `label`: of the real and, where D is told it, of the generated samples (latent.labels "data").
void DiscriminatorRecording::penalise(const PenalisedBatch& batch, const TensorRef& label) {
  const Player& d = game_.d;
  penalties_.record(
      game_.objective_call(batch.draw, 1), batch, [&](const TensorRef& x, uint32_t id) {
        const ForwardOptions options{.track = false, .pass_id = id};
        return d.network.forward(game_.recorder, d.store, d.store.values(), d.store.state_values(),
                                 d.inputs(game_.recorder, x, label), options);
      });
}

// Weight of the loss on `mine` samples of D's batch beside `others`.
double DiscriminatorRecording::share(int64_t mine, int64_t others) const {
  using Combine = ObjectiveConfig::Combine;
  if (game_.system.config.objective.combine == Combine::kSum) return 1;
  return static_cast<double>(mine) / static_cast<double>(mine + others);
}

void DiscriminatorRecording::backward(NetworkPass& pass, const TensorRefs& dy, bool accumulate) {
  const Player& d = game_.d;
  d.network.backward(game_.recorder, d.store, pass, dy, {.accumulate = accumulate});
}

void DiscriminatorRecording::optimize() {
  game_.d.optimizer.record(game_.recorder, game_.d.store, game_.system.metrics, "d");
}

}  // namespace gantry
