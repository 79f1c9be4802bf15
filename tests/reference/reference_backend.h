// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "kernels/kernels.h"

namespace gantry {

// The oracle: every op as plain loops in double precision, written from the formulas in
// kernels/ops/ and sharing no code with any backend (core/philox.h excepted, for the draws).
// Host memory, one thread, no scratch. Every real tensor is f64, counters i64, pooling indices i32.
Backend open_reference_backend();

class ReferenceKernels : public Kernels {
 public:
  DType real() const override { return DType::kF64; }

 private:
  Made make_conv2d(const Conv2dDesc&, Conv2dPass) override;
  Made make_dense(const DenseDesc&, DensePass) override;
  Made make_bias_grad(const BiasGradDesc&) override;
  Made make_bias_add(const BiasAddDesc&) override;
  Made make_activation(const ActivationDesc&, ActivationPass) override;
  Made make_norm(const NormDesc&, NormPass) override;
  Made make_upsample(const UpsampleDesc&, LinearPass) override;
  Made make_pool(const PoolDesc&, PoolPass) override;
  Made make_pad(const PadDesc&, LinearPass) override;
  Made make_channel_concat(const ConcatDesc&, LinearPass) override;
  Made make_sum(const SumDesc&) override;
  Made make_sample_dot(const DotDesc&, DotPass) override;
  Made make_dropout(const DropoutDesc&) override;
  Made make_random(const RandomDesc&) override;
  Made make_one_hot(const OneHotDesc&) override;
  Made make_target(const TargetDesc&) override;
  Made make_instance_noise(const InstanceNoiseDesc&) override;
  Made make_loss(const LossDesc&, bool gradient) override;
  Made make_reduce(const ReduceDesc&) override;
  Made make_interpolate(const InterpolateDesc&) override;
  Made make_deviation(const DeviationDesc&) override;
  Made make_perturb(const PerturbDesc&) override;
  Made make_gradient_penalty(const GradientPenaltyDesc&) override;
  Made make_optimizer(const OptimizerDesc&) override;
  Made make_grad_norm(const GradNormDesc&) override;
  Made make_schedule(const ScheduleDesc&) override;
  Made make_advance(const AdvanceDesc&) override;
  Made make_loss_scale(const LossScaleDesc&) override;
  Made make_cast(const CastDesc&) override;
  Made make_spectral_norm(const SpectralNormDesc&, SpectralNormPass) override;
  Made make_reconstruction(const ReconstructionDesc&) override;
  Made make_pulling_away(const PullingAwayDesc&) override;
  Made make_equilibrium(const EquilibriumDesc&) override;
  Made make_feature_match(const FeatureMatchDesc&) override;
  Made make_minibatch(const MinibatchDesc&, MinibatchPass) override;
  Made make_variational(const VariationalDesc&, VariationalPass) override;
  Made make_virtual_norm(const VirtualNormDesc&, VirtualNormPass) override;
  Made make_historical_average(const HistoricalAverageDesc&) override;
  Made make_decode(const DecodeDesc&) override;
  Made make_lecam(const LecamDesc&) override;
  Made make_moving_average(const MovingAverageDesc&) override;
  Made make_top_k(const TopKDesc&) override;
  Made make_adaptive_probability(const AdaptiveProbabilityDesc&) override;
  Made make_augment_draw(const AugmentDrawDesc&) override;
  Made make_augment(const AugmentDesc&, LinearPass) override;
};

namespace reference {

// The arguments of one run, by position.
class Args {
 public:
  explicit Args(std::span<const TensorView> views) : views_(views) {}
  size_t size() const { return views_.size(); }
  double* real(size_t i) const { return at(i).as<double>(); }
  int64_t* counter(size_t i) const { return at(i).as<int64_t>(); }
  int32_t* index(size_t i) const { return at(i).as<int32_t>(); }
  uint8_t* bytes(size_t i) const { return at(i).as<uint8_t>(); }
  const TensorView& at(size_t i) const {
    GANTRY_CHECK(i < views_.size(), "argument ", i, " of ", views_.size());
    return views_[i];
  }

 private:
  std::span<const TensorView> views_;
};

template <typename Body>
class LoopKernel : public Kernel {
 public:
  LoopKernel(size_t args, Body body) : args_(args), body_(std::move(body)) {}
  void run(Stream&, std::span<const TensorView> args, void*) const override {
    GANTRY_CHECK(args.size() == args_, "given ", args.size(), " arguments, takes ", args_);
    body_(Args(args));
  }

 private:
  size_t args_;
  Body body_;
};

// A kernel of `args` arguments that runs body(Args).
template <typename Body>
std::shared_ptr<Kernel> loop(size_t args, Body body) {
  return std::make_shared<LoopKernel<Body>>(args, std::move(body));
}

// f(x), f'(x), f''(x).
double activation_value(const Activation& act, double x);
double activation_slope(const Activation& act, double x);
double activation_curvature(const Activation& act, double x);

// Draws of element e of sample n at `step`: kernels/ops/elementwise.h.
double uniform_of(RandomKey key, int64_t step, int64_t sample, int64_t e);
double normal_of(RandomKey key, int64_t step, int64_t sample, int64_t e);

// Where element (n, c, h, w) of a tensor lies.
inline int64_t at(const Shape& s, int64_t n, int64_t c, int64_t h, int64_t w) {
  return ((n * s.h + h) * s.w + w) * s.c + c;
}

}  // namespace reference
}  // namespace gantry
