// SPDX-License-Identifier: Apache-2.0
#include "train/latents.h"

namespace gantry {
namespace {

RandomDesc noise_draw(const LatentConfig& config, int64_t n, RandomKey key) {
  RandomDesc desc{.y = {n, config.size, 1, 1}, .key = key};
  if (config.distribution == LatentConfig::Distribution::kUniform) {
    desc.kind = RandomDesc::Kind::kUniform;
    desc.a = static_cast<float>(config.low);
    desc.b = static_cast<float>(config.high);
  }
  return desc;
}

RandomDesc code_draw(const CodeConfig& code, int64_t n, RandomKey key) {
  using Type = CodeConfig::Type;
  RandomDesc desc{.y = {n, code.size, 1, 1}, .key = key};
  if (code.type == Type::kCategorical) {
    desc.kind = RandomDesc::Kind::kCategorical;
    desc.y.c = 1;
    desc.a = static_cast<float>(code.classes);
  }
  if (code.type == Type::kUniform) {
    desc.kind = RandomDesc::Kind::kUniform;
    desc.a = static_cast<float>(code.low);
    desc.b = static_cast<float>(code.high);
  }
  return desc;
}

TensorRef draw(Recorder& recorder, const std::string& name, RandomDesc desc) {
  desc.first_sample = recorder.first_sample;
  const TensorRef y = recorder.temp(name, desc.y);
  recorder.program.call(name, recorder.kernels.random(desc), {y}, {recorder.step});
  return y;
}

}  // namespace

RandomKey LatentKeys::noise() const {
  return of_samples ? random_key(seed, Purpose::kSample) : random_key(seed, Purpose::kLatent, id);
}

RandomKey LatentKeys::code(size_t i) const {
  const auto number = static_cast<uint32_t>(i);
  return of_samples ? random_key(seed, Purpose::kSample, 1 + number)
                    : random_key(seed, Purpose::kCode, kMostCodes * id + number);
}

RandomKey LatentKeys::label() const {
  return of_samples ? random_key(seed, Purpose::kSample, 2 * kMostCodes)
                    : random_key(seed, Purpose::kLabel, id);
}

Latents record_latents(Recorder& recorder, const LatentConfig& config, int64_t n,
                       const LatentKeys& keys) {
  if (config.codes.empty()) {
    return {draw(recorder, "latent", noise_draw(config, n, keys.noise())), {}};
  }
  Latents latents;
  TensorRefs parts{draw(recorder, "noise", noise_draw(config, n, keys.noise()))};
  for (size_t i = 0; i < config.codes.size(); ++i) {
    const CodeConfig& code = config.codes[i];
    const std::string name = concat("code_", config.code_name(i));
    latents.codes.push_back(draw(recorder, name, code_draw(code, n, keys.code(i))));
    parts.push_back(latents.codes.back());
    if (code.type != CodeConfig::Type::kCategorical) continue;
    parts.back() = recorder.temp(name + "_one_hot", {n, code.classes, 1, 1});
    recorder.program.call(name + "_one_hot", recorder.kernels.one_hot({n, code.classes}),
                          {parts.back()}, {latents.codes.back()});
  }
  ConcatDesc desc;
  for (const TensorRef& part : parts) desc.x.push_back(part.shape);
  latents.z = recorder.temp("latent", {n, config.width(), 1, 1});
  recorder.program.call("latent", recorder.kernels.channel_concat(desc, LinearPass::kForward),
                        {latents.z}, parts);
  return latents;
}

TensorRef record_labels(Recorder& recorder, int64_t classes, int64_t n, const LatentKeys& keys) {
  return draw(recorder, "fake_labels",
              {.kind = RandomDesc::Kind::kCategorical,
               .y = {n, 1, 1, 1},
               .a = static_cast<float>(classes),
               .key = keys.label()});
}

}  // namespace gantry
