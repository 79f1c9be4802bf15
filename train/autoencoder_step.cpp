// SPDX-License-Identifier: Apache-2.0
#include "train/autoencoder_step.h"

#include <cmath>
#include <numbers>

#include "train/network_shapes.h"
#include "train/sharded_update.h"

namespace gantry {
namespace {

class AutoencoderRecording {
 public:
  explicit AutoencoderRecording(System& system)
      : system_(system),
        likelihood_(system.config.objective.likelihood),
        variational_(system.config.objective.type == "vae"),
        e_(system.player("e")),
        g_(system.player("g")),
        recorder_(system.recorder(program_)) {}

  RecordedStep record() {
    const int64_t parts = system_.config.train.accumulate;
    record_start(system_, recorder_, 1);
    {
      const Program::Scope scope(program_, "e1");
      ShardedUpdate(system_, recorder_).record({&e_, &g_}, [&](int64_t shard) {
        for (int64_t micro = 0; micro < parts; ++micro) {
          const Program::Scope micro_scope(program_, concat("m", micro + 1));
          reconstruct(shard, micro);
        }
      });
      e_.optimizer.record(recorder_, e_.store, system_.metrics, "e");
    }
    {
      const Program::Scope scope(program_, "g1");
      g_.optimizer.record(recorder_, g_.store, system_.metrics, "g");
    }
    record_end(system_, recorder_, 1);
    return {std::move(program_), std::move(taps_)};
  }

 private:
  // What a micro-batch left: its losses as they stand in memory, R scaled by scale().
  struct Losses {
    TensorRef reconstruction, divergence;
  };

  // Of a micro-batch's loss: its share of the mean over the batch.
  double scale() const {
    return 1 / static_cast<double>(system_.config.train.accumulate * system_.shards.count);
  }

  void tap(const std::string& name, const TensorRef& ref) {
    taps_.push_back({program_.prefix() + name, ref, program_.calls().size()});
  }

  NetworkPass forward(Player& player, const TensorRef& x, uint32_t draw) {
    const ForwardOptions options{.pass_id = draw, .reference = player.reference_refs(program_)};
    return player.network.forward(recorder_, player.store, player.store.values(),
                                  player.store.state_values(), {x}, options);
  }

  TensorRefs no_gradients(const NetworkPass& pass) { return TensorRefs(pass.outputs.size()); }

  void reconstruct(int64_t shard, int64_t micro) {
    const TrainConfig& train = system_.config.train;
    const int64_t n = train.batch / (system_.shards.count * train.accumulate);
    const int64_t first = (shard * train.accumulate + micro) * n;
    recorder_.first_sample = static_cast<uint32_t>(system_.shards.offset(train.batch) + first);
    const uint32_t draw = 0;
    const TensorRef all = program_.external("real", system_.real_data.view());
    const TensorRef x = all.samples(first, n);
    tap("real", x);
    NetworkPass encoding = forward(e_, x, draw);
    const VariationalDesc desc{.n = n,
                               .size = system_.config.latent.size,
                               .scale = static_cast<float>(likelihood_.beta * scale()),
                               .key = random_key(recorder_.seed, Purpose::kLatent, draw),
                               .first_sample = recorder_.first_sample};
    Losses losses;
    const TensorRef code = encoding.outputs[0];
    const TensorRef z = variational_ ? sample(desc, code, losses) : code;
    tap("latent", z);
    NetworkPass decoding = forward(g_, z, draw);
    tap("fake", decoding.outputs[0]);
    const TensorRefs dy = compare(decoding, x, losses);
    report(losses);
    const bool add = micro > 0;
    TensorRef dcode = g_.network.backward(recorder_, g_.store, decoding, dy,
                                          {.want_dx = true, .accumulate = add})[0];
    if (variational_) dcode = through_sample(desc, code, dcode);
    TensorRefs dcodes = no_gradients(encoding);
    dcodes[0] = dcode;
    e_.network.backward(recorder_, e_.store, encoding, dcodes, {.accumulate = add});
  }

  TensorRef sample(const VariationalDesc& desc, const TensorRef& code, Losses& losses) {
    const TensorRef z = recorder_.temp("latent", {desc.n, desc.size, 1, 1});
    losses.divergence = system_.metrics.slot(program_, "e.kl");
    program_.call("sample", recorder_.kernels.variational(desc, VariationalPass::kForward),
                  {z, losses.divergence}, {code, recorder_.step});
    return z;
  }

  TensorRef through_sample(const VariationalDesc& desc, const TensorRef& code,
                           const TensorRef& dz) {
    const TensorRef dcode = recorder_.temp("d_code", code.shape);
    program_.call("sample_backward",
                  recorder_.kernels.variational(desc, VariationalPass::kBackward), {dcode},
                  {code, dz, recorder_.step});
    return dcode;
  }

  // The loss on the reconstruction (bernoulli: on its logits) and its gradient. A mean over all
  // values times the values of a sample is a sum per sample.
  TensorRefs compare(const NetworkPass& decoding, const TensorRef& x, Losses& losses) {
    const bool bernoulli = likelihood_.kind == LikelihoodConfig::Kind::kBernoulli;
    const size_t output = bernoulli ? 1 : 0;
    const TensorRef& y = decoding.outputs[output];
    const double each = bernoulli ? 1 : 1 / (2 * likelihood_.variance);
    const double values = static_cast<double>(x.shape.per_sample());
    const LossDesc desc{.kind = bernoulli ? LossDesc::Kind::kBceLogits : LossDesc::Kind::kMse,
                        .x = y.shape,
                        .t = x.shape,
                        .scale = static_cast<float>(each * values * scale())};
    losses.reconstruction = recorder_.temp("squared_error", vector_shape(1));
    TensorRefs dy = no_gradients(decoding);
    dy[output] = recorder_.temp("d_reconstruction", y.shape);
    program_.call("loss", recorder_.kernels.loss(desc, true),
                  {losses.reconstruction, recorder_.temp("rate", vector_shape(1)), dy[output]},
                  {y, x});
    return dy;
  }

  // The part of R that no weight changes.
  double constant() const {
    if (likelihood_.kind == LikelihoodConfig::Kind::kBernoulli) return 0;
    const double values = static_cast<double>(system_.sample.shape.elements());
    return values / 2 * std::log(2 * std::numbers::pi * likelihood_.variance);
  }

  // sign (R + constant) + by_divergence KL, as this micro-batch's share of the mean.
  void record_metric(const char* call, const char* metric, const Losses& losses, double sign,
                     double by_divergence) {
    SumDesc desc{.y = vector_shape(1),
                 .scale = {static_cast<float>(sign)},
                 .constant = static_cast<float>(sign * constant() * scale())};
    TensorRefs inputs = {losses.reconstruction};
    if (variational_) {
      desc.scale.push_back(static_cast<float>(by_divergence * scale()));
      inputs.push_back(losses.divergence);
    }
    program_.call(call, recorder_.kernels.sum(desc),
                  {system_.metrics.slot(program_, metric, 1 / scale())}, inputs);
  }

  void report(const Losses& losses) {
    record_metric("loss_reconstruction", "e.reconstruction", losses, 1, 0);
    record_metric("loss_total", "e.loss", losses, 1, likelihood_.beta);
    if (variational_) record_metric("elbo", "e.elbo", losses, -1, -1);
  }

  System& system_;
  const LikelihoodConfig& likelihood_;
  bool variational_;
  Player &e_, &g_;
  Program program_;
  Recorder recorder_;
  std::vector<Tap> taps_;
};

}  // namespace

AutoencoderStep::AutoencoderStep(System& system) : system_(system) {
  const ObjectiveConfig& objective = system.config.objective;
  check_encoder_outputs(objective, system.player("e").network.outputs(), system.config.latent.size);
  check_generator_outputs(objective, system.player("g").network.outputs());
}

RecordedStep AutoencoderStep::record(size_t) { return AutoencoderRecording(system_).record(); }

}  // namespace gantry
