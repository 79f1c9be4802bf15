// SPDX-License-Identifier: Apache-2.0
#include "train/gan.h"

namespace gantry {
namespace {

Shape latent_of(const RunConfig& config, int64_t n) { return {n, config.latent.size, 1, 1}; }

// "g" + ".conv1.weight": the ranges of one flat buffer.
void append_ranges(std::vector<Gan::StateTensor>& list, const std::string& prefix,
                   const std::vector<ParamRange>& ranges, const TensorView& flat) {
  for (const ParamRange& range : ranges) {
    auto* data =
        static_cast<char*>(flat.data) + static_cast<size_t>(range.first) * dtype_bytes(flat.dtype);
    list.push_back({prefix + range.name, {data, range.shape, flat.dtype}});
  }
}

void append_network(std::vector<Gan::StateTensor>& list, const std::string& player,
                    const ParamStore& store, const Optimizer& optimizer) {
  append_ranges(list, player + ".", store.params(), store.values());
  append_ranges(list, player + ".", store.states(), store.state_values());
  for (const Optimizer::State& state : optimizer.states()) {
    append_ranges(list, player + ".optimizer." + state.name + ".", store.params(), state.view);
  }
  list.push_back({player + ".optimizer.updates", optimizer.updates()});
  if (optimizer.has_ema()) {
    append_ranges(list, player + ".ema.", store.params(), optimizer.ema());
  }
}

}  // namespace

Gan::Gan(RunConfig run_config, const Shape& data_sample, Backend& opened)
    : config(std::move(run_config)),
      backend(opened),
      sample(data_sample),
      generator("g", "/generator", std::move(config.generator), {{"z", latent_of(config, 1)}}),
      discriminator("d", "/discriminator", std::move(config.discriminator), {{"x", data_sample}}),
      g(generator.make_store(*opened.device, opened.kernels->real())),
      d(discriminator.make_store(*opened.device, opened.kernels->real())),
      g_optimizer(*opened.device, opened.kernels->real(), g, config.optimizer_g,
                  config.train.ema.decay > 0 ? &config.train.ema : nullptr),
      d_optimizer(*opened.device, opened.kernels->real(), d, config.optimizer_d, nullptr),
      metrics(*opened.device, opened.kernels->real()),
      step(*opened.device, vector_shape(1), DType::kI64),
      real_data(*opened.device, data_sample.with_n(real_samples_per_step()),
                opened.kernels->real()) {
  const Shape made = generator.outputs()[0].shape;
  if (made != sample) {
    throw ConfigError(concat("/generator makes ", to_string(made),
                             " (NxCxHxW) but a sample of /data is ", to_string(sample),
                             "; change the generator's last layers or data.size"));
  }
}

void Gan::initialize(Stream& stream) {
  generator.initialize(*backend.device, stream, g, seed());
  discriminator.initialize(*backend.device, stream, d, seed() + 1);
  g_optimizer.start_ema(*backend.device, stream, g);
}

std::vector<Gan::StateTensor> Gan::state() const {
  std::vector<StateTensor> list;
  append_network(list, "g", g, g_optimizer);
  append_network(list, "d", d, d_optimizer);
  list.push_back({"metrics.sums", metrics.sums()});
  list.push_back({"step", step.view()});
  return list;
}

int64_t Gan::real_samples_per_step() const { return config.train.d_steps * config.train.batch; }

Shape Gan::latent_shape(int64_t n) const { return latent_of(config, n); }

RandomDesc latent_draw(const LatentConfig& latent, int64_t n, RandomKey key) {
  RandomDesc desc{.y = {n, latent.size, 1, 1}, .key = key};
  if (latent.distribution == LatentConfig::Distribution::kUniform) {
    desc.kind = RandomDesc::Kind::kUniform;
    desc.a = static_cast<float>(latent.low);
    desc.b = static_cast<float>(latent.high);
  }
  return desc;
}

Program record_sampling(Gan& gan, bool use_ema, const TensorView& latents,
                        const TensorView& images) {
  Program program;
  const Program::Scope scope(program, "sample");
  Recorder recorder{program, *gan.backend.kernels, program.external("step", gan.step.view()),
                    gan.seed(), 0};
  const TensorRef z = program.external("latents", latents);
  const TensorView weights = use_ema ? gan.g_optimizer.ema() : gan.g.values();
  const ForwardOptions options{.mode = Mode::kInference, .track = false};
  const NetworkPass pass =
      gan.generator.forward(recorder, gan.g, weights, gan.g.state_values(), {z}, options);
  program.call("copy", recorder.kernels.sum({.y = images.shape, .scale = {1.0f}}),
               {program.external("images", images)}, {pass.outputs[0]});
  return program;
}

}  // namespace gantry
