// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"

namespace gantry {

class CudaDevice;

// Kernels of one GPU: cuDNN for convolution, cuBLASLt for dense, own kernels for the rest. f32,
// in convolutions and products TF32 where asked for. Nothing depends on the order in which blocks
// run, unless ComputeOptions let the libraries. Each make_* stands in the file of its op.
// `narrow` is what convolutions and products are planned for; own kernels look at their arguments.
class CudaKernels : public Kernels {
 public:
  // The device must outlive the kernels and everything made by them.
  explicit CudaKernels(CudaDevice& device, DType narrow = DType::kF32)
      : device_(device), narrow_(narrow) {}
  DType narrow_real() const override { return narrow_; }

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

  CudaDevice& device_;
  DType narrow_;
};

}  // namespace gantry
