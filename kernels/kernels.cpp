// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

#include "kernels/check.h"

namespace gantry {
namespace {

using Made = std::shared_ptr<Kernel>;

constexpr const char* kLinear[] = {".forward", ".backward"};
constexpr const char* kProduct[] = {".forward", ".backward_data", ".backward_weights"};
constexpr const char* kCurved[] = {".forward", ".backward", ".double_backward"};
constexpr const char* kPool[] = {".forward", ".backward", ".tangent"};
constexpr const char* kNorm[] = {".forward", ".inference", ".backward", ".backward_data",
                                 ".double_backward"};
constexpr const char* kVirtualNorm[] = {".forward", ".backward", ".backward_data"};

template <typename Pass, size_t kCount>
std::string name_of(const char* op, const char* const (&passes)[kCount], Pass pass) {
  const auto index = static_cast<size_t>(pass);
  GANTRY_CHECK(index < kCount, op, " has no name for pass ", index);
  return std::string(op) + passes[index];
}

Made named(std::string op, Made kernel) {
  kernel->set_op(std::move(op));
  return kernel;
}

}  // namespace

KernelPtr Kernels::conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  check(desc, pass);
  Made kernel = named(name_of("conv2d", kProduct, pass), make_conv2d(desc, pass));
  kernel->set_flops(conv2d_flops(desc));
  return kernel;
}

KernelPtr Kernels::dense(const DenseDesc& desc, DensePass pass) {
  check(desc, pass);
  Made kernel = named(name_of("dense", kProduct, pass), make_dense(desc, pass));
  kernel->set_flops(dense_flops(desc));
  return kernel;
}

KernelPtr Kernels::bias_grad(const BiasGradDesc& desc) {
  check_shape(desc.dy);
  return named("bias_grad", make_bias_grad(desc));
}

KernelPtr Kernels::bias_add(const BiasAddDesc& desc) {
  check_shape(desc.x);
  return named("bias_add", make_bias_add(desc));
}

KernelPtr Kernels::activation(const ActivationDesc& desc, ActivationPass pass) {
  check_shape(desc.x);
  check(desc.activation);
  return named(name_of("activation", kCurved, pass), make_activation(desc, pass));
}

KernelPtr Kernels::norm(const NormDesc& desc, NormPass pass) {
  check_shape(desc.x);
  check(desc.activation);
  const bool shared = desc.stage != NormStage::kWhole;
  GANTRY_CHECK(!shared || (desc.kind == NormKind::kBatch && pass != NormPass::kInference),
               "a stage of what ranks do not share");
  const char* const part = desc.stage == NormStage::kMeans ? ".means" : "";
  return named(name_of("norm", kNorm, pass) + part, make_norm(desc, pass));
}

KernelPtr Kernels::upsample(const UpsampleDesc& desc, LinearPass pass) {
  return named(name_of("upsample", kLinear, pass), make_upsample(desc, pass));
}

KernelPtr Kernels::pool(const PoolDesc& desc, PoolPass pass) {
  return named(name_of("pool", kPool, pass), make_pool(desc, pass));
}

KernelPtr Kernels::pad(const PadDesc& desc, LinearPass pass) {
  return named(name_of("pad", kLinear, pass), make_pad(desc, pass));
}

KernelPtr Kernels::channel_concat(const ConcatDesc& desc, LinearPass pass) {
  return named(name_of("channel_concat", kLinear, pass), make_channel_concat(desc, pass));
}

KernelPtr Kernels::sum(const SumDesc& desc) { return named("sum", make_sum(desc)); }

KernelPtr Kernels::sample_dot(const DotDesc& desc, DotPass pass) {
  check_shape(desc.x);
  return named(name_of("sample_dot", kLinear, pass), make_sample_dot(desc, pass));
}

KernelPtr Kernels::dropout(const DropoutDesc& desc) { return named("dropout", make_dropout(desc)); }

KernelPtr Kernels::random(const RandomDesc& desc) { return named("random", make_random(desc)); }

KernelPtr Kernels::one_hot(const OneHotDesc& desc) { return named("one_hot", make_one_hot(desc)); }

KernelPtr Kernels::target(const TargetDesc& desc) { return named("target", make_target(desc)); }

KernelPtr Kernels::instance_noise(const InstanceNoiseDesc& desc) {
  return named("instance_noise", make_instance_noise(desc));
}

KernelPtr Kernels::loss(const LossDesc& desc, bool gradient) {
  GANTRY_CHECK(!desc.weighted || (!desc.over_channels() && desc.t.elements() == desc.x.n),
               "weights are for pointwise losses with a target per sample");
  return named("loss", make_loss(desc, gradient));
}

KernelPtr Kernels::reduce(const ReduceDesc& desc) { return named("reduce", make_reduce(desc)); }

KernelPtr Kernels::interpolate(const InterpolateDesc& desc) {
  check_shape(desc.x);
  return named("interpolate", make_interpolate(desc));
}

KernelPtr Kernels::deviation(const DeviationDesc& desc) {
  check_shape(desc.x);
  return named("deviation", make_deviation(desc));
}

KernelPtr Kernels::perturb(const PerturbDesc& desc) {
  check_shape(desc.x);
  return named("perturb", make_perturb(desc));
}

KernelPtr Kernels::gradient_penalty(const GradientPenaltyDesc& desc) {
  check_shape(desc.g);
  return named("gradient_penalty", make_gradient_penalty(desc));
}

KernelPtr Kernels::optimizer(const OptimizerDesc& desc) {
  return named("optimizer", make_optimizer(desc));
}

KernelPtr Kernels::grad_norm(const GradNormDesc& desc) {
  return named("grad_norm", make_grad_norm(desc));
}

KernelPtr Kernels::schedule(const ScheduleDesc& desc) {
  return named("schedule", make_schedule(desc));
}

KernelPtr Kernels::advance(const AdvanceDesc& desc) { return named("advance", make_advance(desc)); }

KernelPtr Kernels::loss_scale(const LossScaleDesc& desc) {
  return named("loss_scale", make_loss_scale(desc));
}

KernelPtr Kernels::cast(const CastDesc& desc) { return named("cast", make_cast(desc)); }

KernelPtr Kernels::spectral_norm(const SpectralNormDesc& desc, SpectralNormPass pass) {
  return named(name_of("spectral_norm", kLinear, pass), make_spectral_norm(desc, pass));
}

KernelPtr Kernels::reconstruction(const ReconstructionDesc& desc) {
  check_shape(desc.x);
  return named("reconstruction", make_reconstruction(desc));
}

KernelPtr Kernels::pulling_away(const PullingAwayDesc& desc) {
  check_shape(desc.s);
  Made kernel = named("pulling_away", make_pulling_away(desc));
  const double n = static_cast<double>(desc.s.n);
  kernel->set_flops(4 * n * n * static_cast<double>(desc.s.per_sample()));
  return kernel;
}

KernelPtr Kernels::equilibrium(const EquilibriumDesc& desc) {
  return named("equilibrium", make_equilibrium(desc));
}

KernelPtr Kernels::feature_match(const FeatureMatchDesc& desc) {
  GANTRY_CHECK(desc.fake.per_sample() == desc.real.per_sample(), "features differ in shape");
  return named("feature_match", make_feature_match(desc));
}

KernelPtr Kernels::minibatch(const MinibatchDesc& desc, MinibatchPass pass) {
  GANTRY_CHECK(desc.groups > 0 && desc.parts > 0 && desc.n % (desc.groups * desc.parts) == 0,
               desc.groups, " groups of ", desc.n, " in ", desc.parts, " parts");
  GANTRY_CHECK(desc.part >= 0 && desc.part < desc.parts, "part ", desc.part, " of ", desc.parts);
  Made kernel = named(name_of("minibatch", kCurved, pass), make_minibatch(desc, pass));
  const int64_t group = desc.n / desc.groups;
  kernel->set_flops(3 * static_cast<double>(desc.made()) * static_cast<double>(group) *
                    static_cast<double>(desc.features * desc.dimensions));
  return kernel;
}

KernelPtr Kernels::variational(const VariationalDesc& desc, VariationalPass pass) {
  return named(name_of("variational", kLinear, pass), make_variational(desc, pass));
}

KernelPtr Kernels::virtual_norm(const VirtualNormDesc& desc, VirtualNormPass pass) {
  check_shape(desc.x);
  GANTRY_CHECK(desc.reference > 0 && desc.reference < desc.x.n, "a reference of ", desc.reference,
               " in ", desc.x.n);
  return named(name_of("virtual_norm", kVirtualNorm, pass), make_virtual_norm(desc, pass));
}

KernelPtr Kernels::historical_average(const HistoricalAverageDesc& desc) {
  return named("historical_average", make_historical_average(desc));
}

KernelPtr Kernels::decode(const DecodeDesc& desc) {
  check_shape(desc.y);
  GANTRY_CHECK(desc.count > 0 && desc.h >= desc.y.h && desc.w >= desc.y.w, desc.count,
               " samples of ", desc.h, " x ", desc.w, " to ", to_string(desc.y));
  GANTRY_CHECK(desc.y.n <= 65535 && desc.shift >= 0, desc.y.n, " samples, shift ", desc.shift);
  return named("decode", make_decode(desc));
}

KernelPtr Kernels::lecam(const LecamDesc& desc) {
  check_shape(desc.y);
  return named("lecam", make_lecam(desc));
}

KernelPtr Kernels::moving_average(const MovingAverageDesc& desc) {
  return named("moving_average", make_moving_average(desc));
}

KernelPtr Kernels::top_k(const TopKDesc& desc) {
  check_shape(desc.y);
  GANTRY_CHECK(desc.every > 0, "every ", desc.every, " steps");
  return named("top_k", make_top_k(desc));
}

KernelPtr Kernels::adaptive_probability(const AdaptiveProbabilityDesc& desc) {
  check_shape(desc.y);
  return named("adaptive_probability", make_adaptive_probability(desc));
}

KernelPtr Kernels::augment_draw(const AugmentDrawDesc& desc) {
  check_shape({desc.n, 1, desc.h, desc.w});
  return named("augment_draw", make_augment_draw(desc));
}

KernelPtr Kernels::augment(const AugmentDesc& desc, LinearPass pass) {
  check_shape(desc.x);
  return named(name_of("augment", kLinear, pass), make_augment(desc, pass));
}

}  // namespace gantry
