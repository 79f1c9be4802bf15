// SPDX-License-Identifier: Apache-2.0
// Records the step of design section 5: real and fake through D as one batch with statistics per
// group, no weight gradients of D in the generator's step, metrics left in device memory.
#include <optional>

#include "train/gan.h"

namespace gantry {
namespace {

// Draws of one step are told apart by these ids; part of the reproducibility contract.
constexpr uint32_t kGeneratorDraws = 1u << 16;

class StepRecording {
 public:
  StepRecording(Gan& gan, const Objective& objective)
      : gan_(gan),
        objective_(objective),
        recorder_{program_, *gan.backend.kernels, program_.external("step", gan.step.view()),
                  gan.seed(), 0} {}

  RecordedStep record() {
    const TrainConfig& train = gan_.config.train;
    if (train.order == TrainConfig::Order::kGFirst) {
      for (int64_t k = 0; k < train.g_steps; ++k) generator_update(k);
      discriminator_updates();
    } else {
      discriminator_updates();
      for (int64_t k = 0; k < train.g_steps; ++k) generator_update(k);
    }
    gan_.metrics.record_sum(recorder_);
    program_.call("advance", recorder_.kernels.advance({}), {}, {}, {recorder_.step});
    return {std::move(program_), std::move(taps_)};
  }

 private:
  struct Fakes {
    NetworkPass pass;
    TensorRef images;
  };

  void tap(const std::string& name, const TensorRef& ref) {
    taps_.push_back({program_.prefix() + name, ref, program_.calls().size()});
  }

  Fakes generate(uint32_t draw, int64_t n) {
    const RandomDesc desc =
        latent_draw(gan_.config.latent, n, random_key(recorder_.seed, Purpose::kLatent, draw));
    const TensorRef z = recorder_.temp("latent", desc.y);
    program_.call("latent", recorder_.kernels.random(desc), {z}, {recorder_.step});
    tap("latent", z);
    Fakes fakes;
    const ForwardOptions options{.pass_id = draw};
    fakes.pass = gan_.generator.forward(recorder_, gan_.g, gan_.g.values(), gan_.g.state_values(),
                                        {z}, options);
    fakes.images = fakes.pass.outputs[0];
    tap("fake", fakes.images);
    return fakes;
  }

  // Instance noise (Sonderby et al. 2017) on what D sees, real and fake alike.
  TensorRef noised(const TensorRef& images, const char* name, uint32_t draw) {
    const InstanceNoiseConfig& noise = gan_.config.objective.instance_noise;
    if (noise.sigma == 0) return images;
    InstanceNoiseDesc desc{.x = images.shape,
                           .sigma = static_cast<float>(noise.sigma),
                           .until = noise.until,
                           .key = random_key(recorder_.seed, Purpose::kInstanceNoise, draw)};
    const TensorRef y = recorder_.temp(name, images.shape);
    program_.call(name, recorder_.kernels.instance_noise(desc), {y}, {images, recorder_.step});
    return y;
  }

  void copy(const TensorRef& to, const TensorRef& from, const char* name) {
    program_.call(name, recorder_.kernels.sum({.y = to.shape, .scale = {1.0f}}), {to}, {from});
  }

  // sample_groups: parts of x that number their samples from the start, as other ranks' parts do.
  NetworkPass criticise(const TensorRef& x, uint32_t draw, int64_t batch_groups,
                        int64_t sample_groups = 1) {
    const ForwardOptions options{
        .batch_groups = batch_groups, .sample_groups = sample_groups, .pass_id = draw};
    return gan_.discriminator.forward(recorder_, gan_.d, gan_.d.values(), gan_.d.state_values(),
                                      {x}, options);
  }

  TensorRefs gradients_like(const TensorRefs& outputs) {
    TensorRefs grads;
    for (const TensorRef& y : outputs) grads.push_back(recorder_.temp("d_score", y.shape));
    return grads;
  }

  static TensorRefs samples_of(const TensorRefs& refs, int64_t first, int64_t count) {
    TensorRefs parts;
    for (const TensorRef& ref : refs) parts.push_back(ref.samples(first, count));
    return parts;
  }

  ObjectiveCall objective_call(uint32_t draw, double share) {
    return {recorder_, gan_.metrics, draw,
            share / static_cast<double>(gan_.config.train.accumulate)};
  }

  // Weight of the loss on `mine` samples of D's batch beside `others`.
  double share(int64_t mine, int64_t others) const {
    using Combine = ObjectiveConfig::Combine;
    if (gan_.config.objective.combine == Combine::kSum) return 1;
    return static_cast<double>(mine) / static_cast<double>(mine + others);
  }

  // The micro-th part of the k-th real batch of this step.
  TensorRef real_batch(int64_t k, int64_t micro, int64_t n) {
    const TensorRef all = program_.external("real", gan_.real_data.view());
    return all.samples(k * gan_.config.train.batch + micro * n, n);
  }

  void backward_d(NetworkPass& pass, const TensorRefs& dy, bool accumulate) {
    gan_.discriminator.backward(recorder_, gan_.d, pass, dy, {.accumulate = accumulate});
  }

  void discriminator_updates() {
    const bool alternating =
        gan_.config.objective.real_fake == ObjectiveConfig::RealFake::kAlternating;
    for (int64_t k = 0; k < gan_.config.train.d_steps; ++k) {
      alternating ? alternating_updates(k) : discriminator_update(k);
    }
  }

  void discriminator_update(int64_t k) {
    const TrainConfig& train = gan_.config.train;
    const Program::Scope scope(program_, concat("d", ++d_updates_));
    for (int64_t micro = 0; micro < train.accumulate; ++micro) {
      const Program::Scope micro_scope(program_, concat("m", micro + 1));
      const auto draw = static_cast<uint32_t>(k * train.accumulate + micro);
      const int64_t n = train.batch / train.accumulate;
      const TensorRef batch = real_batch(k, micro, n);
      tap("real", batch);
      Fakes fakes = generate(draw, train.fakes() / train.accumulate);
      judge(noised(batch, "real_noise", 2 * draw), noised(fakes.images, "fake_noise", 2 * draw + 1),
            draw, micro > 0);
      if (train.reuse_fakes && k == train.d_steps - 1) reusable_.push_back(std::move(fakes));
    }
    gan_.d_optimizer.record(recorder_, gan_.d, gan_.metrics, "d");
  }

  void judge(const TensorRef& real, const TensorRef& fake, uint32_t draw, bool accumulate) {
    const bool mixed = gan_.config.objective.real_fake == ObjectiveConfig::RealFake::kMixed;
    if (mixed || real.shape.n == fake.shape.n) {
      judge_together(real, fake, draw, mixed ? 1 : 2, accumulate);
    } else {
      judge_apart(real, fake, draw, accumulate);
    }
  }

  // One batch [real; fake]: with statistics per half it is two passes at the cost of one.
  void judge_together(const TensorRef& real, const TensorRef& fake, uint32_t draw,
                      int64_t batch_groups, bool accumulate) {
    const int64_t n = real.shape.n, m = fake.shape.n;
    const TensorRef x = recorder_.temp("real_fake", real.shape.with_n(n + m));
    copy(x.samples(0, n), real, "take_real");
    copy(x.samples(n, m), fake, "take_fake");
    NetworkPass pass = criticise(x, draw, batch_groups, n == m ? 2 : 1);
    const TensorRefs dy = gradients_like(pass.outputs);
    objective_real({x.samples(0, n), samples_of(pass.outputs, 0, n), samples_of(dy, 0, n)}, draw,
                   share(n, m));
    objective_fake({x.samples(n, m), samples_of(pass.outputs, n, m), samples_of(dy, n, m)}, draw,
                   share(m, n));
    backward_d(pass, dy, accumulate);
  }

  // Halves of different size with statistics of their own: two passes, one update.
  void judge_apart(const TensorRef& real, const TensorRef& fake, uint32_t draw, bool accumulate) {
    judge_real(real, draw, share(real.shape.n, fake.shape.n), accumulate);
    judge_fake(fake, draw, share(fake.shape.n, real.shape.n), true);
  }

  void judge_real(const TensorRef& x, uint32_t draw, double weight, bool accumulate) {
    NetworkPass pass = criticise(x, 2 * draw, 1);
    const TensorRefs dy = gradients_like(pass.outputs);
    objective_real({x, pass.outputs, dy}, draw, weight);
    backward_d(pass, dy, accumulate);
  }

  void judge_fake(const TensorRef& x, uint32_t draw, double weight, bool accumulate) {
    NetworkPass pass = criticise(x, 2 * draw + 1, 1);
    const TensorRefs dy = gradients_like(pass.outputs);
    objective_fake({x, pass.outputs, dy}, draw, weight);
    backward_d(pass, dy, accumulate);
  }

  void objective_real(const Critique& critique, uint32_t draw, double weight) {
    tap("score_real", critique.y[0]);
    objective_.discriminator_real(objective_call(draw, weight), critique);
  }

  void objective_fake(const Critique& critique, uint32_t draw, double weight) {
    tap("score_fake", critique.y[0]);
    objective_.discriminator_fake(objective_call(draw, weight), critique);
  }

  // Two batches, two updates: train_on_batch(real), train_on_batch(fake) of the Keras listings.
  void alternating_updates(int64_t k) {
    const TrainConfig& train = gan_.config.train;
    const auto draw = static_cast<uint32_t>(k);
    {
      const Program::Scope scope(program_, concat("d", ++d_updates_, ".m1"));
      const TensorRef batch = real_batch(k, 0, train.batch);
      tap("real", batch);
      judge_real(noised(batch, "real_noise", 2 * draw), draw, 1, false);
    }
    update_d();
    {
      const Program::Scope scope(program_, concat("d", ++d_updates_, ".m1"));
      const Fakes fakes = generate(draw, train.fakes());
      judge_fake(noised(fakes.images, "fake_noise", 2 * draw + 1), draw, 1, false);
    }
    update_d();
  }

  void update_d() {
    const Program::Scope scope(program_, concat("d", d_updates_));
    gan_.d_optimizer.record(recorder_, gan_.d, gan_.metrics, "d");
  }

  void generator_update(int64_t k) {
    const TrainConfig& train = gan_.config.train;
    const Program::Scope scope(program_, concat("g", ++g_updates_));
    for (int64_t micro = 0; micro < train.accumulate; ++micro) {
      const Program::Scope micro_scope(program_, concat("m", micro + 1));
      const auto draw = kGeneratorDraws + static_cast<uint32_t>(k * train.accumulate + micro);
      const bool reuse = k == 0 && static_cast<size_t>(micro) < reusable_.size();
      Fakes fakes = reuse ? std::move(reusable_[static_cast<size_t>(micro)])
                          : generate(draw, train.generator_samples() / train.accumulate);
      const TensorRef shown = noised(fakes.images, "fake_noise", 2 * draw);
      NetworkPass pass = criticise(shown, draw, 1);
      const TensorRefs dy = gradients_like(pass.outputs);
      tap("score_fake", pass.outputs[0]);
      objective_.generator(objective_call(draw, 1), {shown, pass.outputs, dy});
      const TensorRefs dx = gan_.discriminator.backward(recorder_, gan_.d, pass, dy,
                                                        {.want_dx = true, .want_dw = false});
      gan_.generator.backward(recorder_, gan_.g, fakes.pass, dx, {.accumulate = micro > 0});
    }
    gan_.g_optimizer.record(recorder_, gan_.g, gan_.metrics, "g");
  }

  Gan& gan_;
  const Objective& objective_;
  Program program_;
  Recorder recorder_;
  std::vector<Tap> taps_;
  std::vector<Fakes> reusable_;  // fakes of the last D update, one per micro-batch
  int d_updates_ = 0, g_updates_ = 0;
};

}  // namespace

RecordedStep record_training_step(Gan& gan, const Objective& objective) {
  return StepRecording(gan, objective).record();
}

}  // namespace gantry
