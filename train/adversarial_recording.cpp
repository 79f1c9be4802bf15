// SPDX-License-Identifier: Apache-2.0
// Records the step of design section 5: real and fake through D as one batch with statistics per
// group, no weight gradients of D in the generator's step, metrics left in device memory.
#include "train/adversarial_recording.h"

#include "train/input_penalty.h"
#include "train/network_shapes.h"
#include "train/second_look.h"
#include "train/sharded_update.h"
#include "train/step_inputs.h"

namespace gantry {
namespace {

// Draws of one step are told apart by these ids; part of the reproducibility contract.
constexpr uint32_t kGeneratorDraws = 1u << 16;

class AdversarialRecording {
 public:
  AdversarialRecording(System& system, const Objective& objective, int64_t d_steps, bool penalised)
      : system_(system),
        d_steps_(d_steps),
        penalised_(penalised),
        g_(system.player("g")),
        d_(system.player("d")),
        objective_(objective),
        penalties_(system.config.objective.penalties, d_, system.seed()),
        recorder_{program_, *system.backend.kernels, program_.external("step", system.step.view()),
                  system.seed(), 0},
        inputs_(system, recorder_, taps_) {}

  RecordedStep record() {
    const TrainConfig& train = system_.config.train;
    const int64_t batches = d_steps_ + (objective_.compares_real() ? train.g_steps : 0);
    record_start(system_, recorder_, batches);
    record_latch(system_, recorder_, d_);
    if (objective_.reads_labelled()) labelled_ = inputs_.labelled(d_steps_ * train.batch);
    if (train.order == TrainConfig::Order::kGFirst) {
      for (int64_t k = 0; k < train.g_steps; ++k) generator_update(k);
      discriminator_updates();
    } else {
      discriminator_updates();
      for (int64_t k = 0; k < train.g_steps; ++k) generator_update(k);
    }
    record_end(system_, recorder_, batches);
    return {std::move(program_), std::move(taps_)};
  }

 private:
  // sample_groups: parts of x that number their samples from the start, as other ranks' parts do.
  // normalized: of the pass that makes this one's power iterations; empty: it makes its own.
  NetworkPass criticise(const Shown& shown, uint32_t draw, int64_t batch_groups,
                        int64_t sample_groups = 1,
                        const std::vector<SpectralPass>& normalized = {}) {
    const ForwardOptions options{.batch_groups = batch_groups,
                                 .sample_groups = sample_groups,
                                 .pass_id = draw,
                                 .reference = d_.reference_refs(program_),
                                 .normalized = normalized};
    return d_.network.forward(recorder_, d_.store, d_.store.values(), d_.store.state_values(),
                              d_.inputs(recorder_, shown.x, shown.label), options);
  }

  // Some samples of a batch of this step: a micro-batch of one of this rank's shards.
  struct Part {
    int64_t first, count;  // among those of this rank
  };
  Part part(int64_t batch, int64_t shard, int64_t micro) const {
    const int64_t parts = system_.config.train.accumulate;
    const int64_t count = batch / (system_.shards.count * parts);
    return {(shard * parts + micro) * count, count};
  }

  // Draws from here on are those of a part of a batch of so many samples over all ranks: they
  // depend on the global sample index alone, however the batch is cut.
  void number_samples(int64_t batch, const Part& samples) {
    recorder_.first_sample = static_cast<uint32_t>(system_.shards.offset(batch) + samples.first);
  }

  // Samples of the k-th real batch of this step.
  Shown real_batch(int64_t k, const Part& samples) {
    const int64_t batch = system_.shards.local(system_.config.train.batch);
    return inputs_.real(k * batch + samples.first, samples.count);
  }

  ObjectiveCall objective_call(uint32_t draw, double share) {
    const int64_t parts = system_.config.train.accumulate * system_.shards.count;
    return {recorder_, system_.metrics, draw, share / static_cast<double>(parts)};
  }

  // Records a player's gradients over all shards of the batch, then its update.
  void update(const Player& player, const std::function<void(int64_t shard)>& record_shard) {
    ShardedUpdate(system_, recorder_, objective_.means(program_)).record({&player}, record_shard);
  }

  // Weight of the loss on `mine` samples of D's batch beside `others`.
  double share(int64_t mine, int64_t others) const {
    using Combine = ObjectiveConfig::Combine;
    if (system_.config.objective.combine == Combine::kSum) return 1;
    return static_cast<double>(mine) / static_cast<double>(mine + others);
  }

  void backward_d(NetworkPass& pass, const TensorRefs& dy, bool accumulate) {
    d_.network.backward(recorder_, d_.store, pass, dy, {.accumulate = accumulate});
  }

  void discriminator_updates() {
    const bool alternating =
        system_.config.objective.real_fake == ObjectiveConfig::RealFake::kAlternating;
    for (int64_t k = 0; k < d_steps_; ++k) {
      alternating ? alternating_updates(k) : discriminator_update(k);
    }
  }

  void discriminator_update(int64_t k) {
    const Program::Scope scope(program_, concat("d", ++d_updates_));
    update(d_, [&](int64_t shard) {
      for (int64_t micro = 0; micro < system_.config.train.accumulate; ++micro) {
        const Program::Scope micro_scope(program_, concat("m", micro + 1));
        discriminator_part(k, shard, micro);
      }
    });
    d_.optimizer.record(recorder_, d_.store, system_.metrics, "d");
  }

  void discriminator_part(int64_t k, int64_t shard, int64_t micro) {
    const TrainConfig& train = system_.config.train;
    const auto draw = static_cast<uint32_t>(k);
    const Part reals = part(train.batch, shard, micro), made = part(train.fakes(), shard, micro);
    const Shown batch = real_batch(k, reals);
    inputs_.tap(batch);
    number_samples(train.fakes(), made);
    Fakes fakes = inputs_.generate(draw, made.count, batch.label);
    const Shown fake = inputs_.shown(fakes, 2 * draw + 1);
    number_samples(train.batch, reals);
    const Shown real = inputs_.shown(batch, 2 * draw);
    judge(real, fake, draw, {reals, made}, micro > 0);
    judge_labelled(k, reals, draw);
    if (penalised_) {
      number_samples(train.batch, reals);
      const Part whole{0, system_.shards.local(train.batch)};
      penalise({real.x, fake.x, real_batch(k, whole).x, draw}, real.label);
    }
    if (train.reuse_fakes && k == d_steps_ - 1) reusable_.push_back(std::move(fakes));
  }

  // `label`: of the real and, where D is told it, of the generated samples (latent.labels "data").
  void penalise(const PenalisedBatch& batch, const TensorRef& label) {
    penalties_.record(objective_call(batch.draw, 1), batch, [&](const TensorRef& x, uint32_t id) {
      const ForwardOptions options{.track = false, .pass_id = id};
      return d_.network.forward(recorder_, d_.store, d_.store.values(), d_.store.state_values(),
                                d_.inputs(recorder_, x, label), options);
    });
  }

  // Where the samples of D's two halves stand in their batches.
  struct Halves {
    Part real, fake;
  };

  void judge(const Shown& real, const Shown& fake, uint32_t draw, const Halves& halves,
             bool accumulate) {
    const bool mixed = system_.config.objective.real_fake == ObjectiveConfig::RealFake::kMixed;
    if (mixed || real.x.shape.n == fake.x.shape.n) {
      judge_together(real, fake, draw, mixed ? 1 : 2, accumulate);
    } else {
      judge_apart(real, fake, draw, halves, accumulate);
    }
  }

  // One batch [real; fake]: with statistics per half it is two passes at the cost of one.
  void judge_together(const Shown& real, const Shown& fake, uint32_t draw, int64_t batch_groups,
                      bool accumulate) {
    const int64_t n = real.x.shape.n, m = fake.x.shape.n;
    const Shown both = inputs_.joined(real, fake);
    NetworkPass pass = criticise(both, 2 * draw, batch_groups, n == m ? 2 : 1);
    const TensorRefs dy = gradients_like(recorder_, pass.outputs);
    GradientSum dy_real(samples_of(dy, 0, n)), dy_fake(samples_of(dy, n, m));
    const auto again = make_second_look(system_, recorder_, inputs_, real, draw);
    objective_real({.x = both.x.samples(0, n),
                    .label = real.label,
                    .y = samples_of(pass.outputs, 0, n),
                    .dy = dy_real,
                    .again = again ? &again->critique() : nullptr},
                   draw, share(n, m));
    objective_fake({.x = both.x.samples(n, m),
                    .label = fake.label,
                    .codes = fake.codes,
                    .y = samples_of(pass.outputs, n, m),
                    .dy = dy_fake},
                   draw, share(m, n));
    backward_d(pass, gradients_of(recorder_, dy, {&dy_real, &dy_fake}), accumulate);
    if (again) again->backward();
  }

  // Halves of different size with statistics of their own: two passes, one update, and one power
  // iteration as for the joined batch.
  void judge_apart(const Shown& real, const Shown& fake, uint32_t draw, const Halves& halves,
                   bool accumulate) {
    const std::vector<SpectralPass> normalized =
        judge_real(real, draw, share(real.x.shape.n, fake.x.shape.n), accumulate);
    number_samples(system_.config.train.fakes(), halves.fake);
    judge_fake(fake, draw, share(fake.x.shape.n, real.x.shape.n), true, normalized);
  }

  // Gives the weights as D's pass normalised them.
  std::vector<SpectralPass> judge_real(const Shown& shown, uint32_t draw, double weight,
                                       bool accumulate) {
    NetworkPass pass = criticise(shown, 2 * draw, 1);
    const TensorRefs dy = gradients_like(recorder_, pass.outputs);
    GradientSum sum(dy);
    const auto again = make_second_look(system_, recorder_, inputs_, shown, draw);
    objective_real({.x = shown.x,
                    .label = shown.label,
                    .y = pass.outputs,
                    .dy = sum,
                    .again = again ? &again->critique() : nullptr},
                   draw, weight);
    backward_d(pass, gradients_of(recorder_, dy, {&sum}), accumulate);
    if (again) again->backward();
    return pass.spectral;
  }

  void judge_fake(const Shown& shown, uint32_t draw, double weight, bool accumulate,
                  const std::vector<SpectralPass>& normalized = {}) {
    NetworkPass pass = criticise(shown, 2 * draw + 1, 1, 1, normalized);
    const TensorRefs dy = gradients_like(recorder_, pass.outputs);
    GradientSum sum(dy);
    objective_fake(
        {.x = shown.x, .label = shown.label, .codes = shown.codes, .y = pass.outputs, .dy = sum},
        draw, weight);
    backward_d(pass, gradients_of(recorder_, dy, {&sum}), accumulate);
  }

  // The samples of known class that go with those of the k-th real batch.
  void judge_labelled(int64_t k, const Part& samples, uint32_t draw) {
    if (!objective_.reads_labelled()) return;
    const int64_t batch = system_.config.train.batch;
    number_samples(batch, samples);
    const int64_t first = k * batch + system_.shards.offset(batch) + samples.first;
    SecondLook look = look_at_labelled(system_, recorder_, inputs_,
                                       labelled_.samples(first, samples.count), draw);
    objective_.discriminator_labelled(objective_call(draw, 1), look.critique());
    look.backward();
  }

  // D's outputs as they stood after `calls` calls, before the objective: the score, and those that
  // it has read. What nobody reads has no memory of its own by then.
  void tap_outputs(const char* name, const Critique& critique, size_t calls) {
    const std::vector<NamedShape> outputs = d_.network.outputs();
    for (size_t i = 0; i < critique.y.size(); ++i) {
      if (i > 0 && !critique.dy.written(i)) continue;
      const std::string tap = i == 0 ? name : concat(name, ".", outputs[i].name);
      taps_.push_back({program_.prefix() + tap, critique.y[i], calls});
    }
  }

  void objective_real(const Critique& critique, uint32_t draw, double weight) {
    const size_t calls = program_.calls().size();
    objective_.discriminator_real(objective_call(draw, weight), critique);
    tap_outputs("score_real", critique, calls);
  }

  void objective_fake(const Critique& critique, uint32_t draw, double weight) {
    const size_t calls = program_.calls().size();
    objective_.discriminator_fake(objective_call(draw, weight), critique);
    tap_outputs("score_fake", critique, calls);
  }

  // Two batches, two updates: train_on_batch(real), train_on_batch(fake) of the Keras listings.
  void alternating_updates(int64_t k) {
    const TrainConfig& train = system_.config.train;
    const auto draw = static_cast<uint32_t>(k);
    {
      const Program::Scope scope(program_, concat("d", ++d_updates_, ".m1"));
      update(d_, [&](int64_t shard) {
        const Part samples = part(train.batch, shard, 0);
        number_samples(train.batch, samples);
        const Shown batch = real_batch(k, samples);
        inputs_.tap(batch);
        judge_real(inputs_.shown(batch, 2 * draw), draw, 1, false);
        judge_labelled(k, samples, draw);
      });
    }
    update_d();
    {
      const Program::Scope scope(program_, concat("d", ++d_updates_, ".m1"));
      update(d_, [&](int64_t shard) {
        const Part samples = part(train.fakes(), shard, 0);
        number_samples(train.fakes(), samples);
        const TensorRef asked = real_batch(k, part(train.batch, shard, 0)).label;
        const Fakes fakes = inputs_.generate(draw, samples.count, asked);
        judge_fake(inputs_.shown(fakes, 2 * draw + 1), draw, 1, false);
      });
    }
    update_d();
  }

  void update_d() {
    const Program::Scope scope(program_, concat("d", d_updates_));
    d_.optimizer.record(recorder_, d_.store, system_.metrics, "d");
  }

  // D's outputs for a real batch that no update of D of this step has seen, where asked for.
  TensorRefs real_outputs(int64_t k, int64_t shard, int64_t micro, uint32_t draw,
                          const std::vector<SpectralPass>& normalized) {
    if (!objective_.compares_real()) return {};
    const Part samples = part(system_.config.train.batch, shard, micro);
    number_samples(system_.config.train.batch, samples);
    const Shown batch = real_batch(d_steps_ + k, samples);
    inputs_.tap(batch);
    const Shown shown = inputs_.shown(batch, 2 * draw + 1);
    return criticise(shown, 2 * draw + 1, 1, 1, normalized).outputs;
  }

  // The classes of the last real batch of D, where G is asked for those.
  TensorRef asked_labels(const Part& samples) {
    if (system_.config.latent.labels != LatentConfig::Labels::kData) return {};
    return real_batch(d_steps_ - 1, samples).label;
  }

  void generator_update(int64_t k) {
    const Program::Scope scope(program_, concat("g", ++g_updates_));
    update(g_, [&](int64_t shard) {
      for (int64_t micro = 0; micro < system_.config.train.accumulate; ++micro) {
        const Program::Scope micro_scope(program_, concat("m", micro + 1));
        generator_part(k, shard, micro);
      }
    });
    objective_.generator_done(objective_call(generator_draw(k), 1));
    g_.optimizer.record(recorder_, g_.store, system_.metrics, "g");
  }

  static uint32_t generator_draw(int64_t k) { return kGeneratorDraws + static_cast<uint32_t>(k); }

  Fakes fakes_of_generator(int64_t k, int64_t shard, int64_t micro, const Part& samples) {
    const auto index = static_cast<size_t>(shard * system_.config.train.accumulate + micro);
    if (k == 0 && index < reusable_.size()) return std::move(reusable_[index]);
    return inputs_.generate(generator_draw(k), samples.count, asked_labels(samples));
  }

  void generator_part(int64_t k, int64_t shard, int64_t micro) {
    const uint32_t draw = generator_draw(k);
    const int64_t batch = system_.config.train.generator_samples();
    const Part samples = part(batch, shard, micro);
    number_samples(batch, samples);
    Fakes fakes = fakes_of_generator(k, shard, micro, samples);
    const Shown seen = inputs_.shown(fakes, 2 * draw);
    NetworkPass pass = criticise(seen, 2 * draw, 1);
    const TensorRefs dy = gradients_like(recorder_, pass.outputs);
    GradientSum sum(dy), direct({recorder_.temp("d_shown", seen.x.shape)});
    const size_t calls = program_.calls().size();
    const Critique answer{.x = seen.x,
                          .label = seen.label,
                          .latent = fakes.latents.z,
                          .codes = seen.codes,
                          .y = pass.outputs,
                          .dy = sum,
                          .dx = &direct,
                          .y_real = real_outputs(k, shard, micro, draw, pass.spectral)};
    number_samples(batch, samples);
    objective_.generator(objective_call(draw, 1), answer);
    tap_outputs("score_fake", answer, calls);
    const TensorRefs dx =
        d_.network.backward(recorder_, d_.store, pass, gradients_of(recorder_, dy, {&sum}),
                            {.want_dx = true, .want_dw = false});
    TensorRefs dfake(fakes.pass.outputs.size());
    dfake[0] = inputs_.unshown(seen, dx[d_.main_input()], direct);
    g_.network.backward(recorder_, g_.store, fakes.pass, dfake, {.accumulate = micro > 0});
  }

  System& system_;
  const int64_t d_steps_;
  const bool penalised_;
  Player &g_, &d_;
  const Objective& objective_;
  const InputPenalties penalties_;
  Program program_;
  Recorder recorder_;
  std::vector<Tap> taps_;
  StepInputs inputs_;
  Shown labelled_{};             // of all ranks' updates of D, where the objective reads such
  std::vector<Fakes> reusable_;  // fakes of the last D update, by shard and micro-batch
  int d_updates_ = 0, g_updates_ = 0;
};

}  // namespace

RecordedStep record_adversarial_step(System& system, const Objective& objective, int64_t d_steps,
                                     bool penalised) {
  return AdversarialRecording(system, objective, d_steps, penalised).record();
}

}  // namespace gantry
