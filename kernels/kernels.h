// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "kernels/communicator.h"
#include "kernels/compute_options.h"
#include "kernels/ops/activation.h"
#include "kernels/ops/augment.h"
#include "kernels/ops/cast.h"
#include "kernels/ops/conv2d.h"
#include "kernels/ops/critic.h"
#include "kernels/ops/decode.h"
#include "kernels/ops/dot.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/loss.h"
#include "kernels/ops/norm.h"
#include "kernels/ops/optimizer.h"
#include "kernels/ops/penalty.h"
#include "kernels/ops/score.h"
#include "kernels/ops/spatial.h"
#include "kernels/ops/variational.h"
#include "kernels/ops/virtual_norm.h"

namespace gantry {

// Makes the kernels of one device. The public methods check the descriptor once for every backend
// (std::logic_error: layers have checked user input before) and note the cost; the private ones
// are what a backend writes. A backend without an op does not compile.
// Argument orders: see each op's header.
class Kernels {
 public:
  virtual ~Kernels() = default;

  // What floating-point tensors are stored as: f32, or f64 in the reference backend.
  virtual DType real() const { return DType::kF32; }
  // What of the layers' ops is stored as bf16 or f16 where a backend has that: x, y, dx, dy, ux, uy
  // and hx, and the w of convolutions and products. Parameters per channel, statistics and
  // gradients of parameters are real(), and so is everything that is computed in between.
  virtual DType narrow_real() const { return real(); }

  KernelPtr conv2d(const Conv2dDesc& desc, Conv2dPass pass);
  KernelPtr dense(const DenseDesc& desc, DensePass pass);
  KernelPtr bias_grad(const BiasGradDesc& desc);
  KernelPtr bias_add(const BiasAddDesc& desc);
  KernelPtr activation(const ActivationDesc& desc, ActivationPass pass);
  KernelPtr norm(const NormDesc& desc, NormPass pass);
  KernelPtr upsample(const UpsampleDesc& desc, LinearPass pass);
  KernelPtr pool(const PoolDesc& desc, PoolPass pass);
  KernelPtr pad(const PadDesc& desc, LinearPass pass);
  KernelPtr channel_concat(const ConcatDesc& desc, LinearPass pass);
  KernelPtr sum(const SumDesc& desc);
  KernelPtr sample_dot(const DotDesc& desc, DotPass pass);
  KernelPtr dropout(const DropoutDesc& desc);
  KernelPtr random(const RandomDesc& desc);
  KernelPtr one_hot(const OneHotDesc& desc);
  KernelPtr target(const TargetDesc& desc);
  KernelPtr instance_noise(const InstanceNoiseDesc& desc);
  KernelPtr loss(const LossDesc& desc, bool gradient);
  KernelPtr reduce(const ReduceDesc& desc);
  KernelPtr interpolate(const InterpolateDesc& desc);
  KernelPtr deviation(const DeviationDesc& desc);
  KernelPtr perturb(const PerturbDesc& desc);
  KernelPtr gradient_penalty(const GradientPenaltyDesc& desc);
  KernelPtr optimizer(const OptimizerDesc& desc);
  KernelPtr grad_norm(const GradNormDesc& desc);
  KernelPtr schedule(const ScheduleDesc& desc);
  KernelPtr advance(const AdvanceDesc& desc);
  KernelPtr loss_scale(const LossScaleDesc& desc);
  KernelPtr cast(const CastDesc& desc);
  KernelPtr spectral_norm(const SpectralNormDesc& desc, SpectralNormPass pass);
  KernelPtr reconstruction(const ReconstructionDesc& desc);
  KernelPtr pulling_away(const PullingAwayDesc& desc);
  KernelPtr equilibrium(const EquilibriumDesc& desc);
  KernelPtr feature_match(const FeatureMatchDesc& desc);
  KernelPtr minibatch(const MinibatchDesc& desc, MinibatchPass pass);
  KernelPtr variational(const VariationalDesc& desc, VariationalPass pass);
  KernelPtr virtual_norm(const VirtualNormDesc& desc, VirtualNormPass pass);
  KernelPtr historical_average(const HistoricalAverageDesc& desc);
  KernelPtr decode(const DecodeDesc& desc);
  KernelPtr lecam(const LecamDesc& desc);
  KernelPtr moving_average(const MovingAverageDesc& desc);
  KernelPtr top_k(const TopKDesc& desc);
  KernelPtr adaptive_probability(const AdaptiveProbabilityDesc& desc);
  KernelPtr augment_draw(const AugmentDrawDesc& desc);
  KernelPtr augment(const AugmentDesc& desc, LinearPass pass);

 protected:
  using Made = std::shared_ptr<Kernel>;

 private:
  virtual Made make_conv2d(const Conv2dDesc&, Conv2dPass) = 0;
  virtual Made make_dense(const DenseDesc&, DensePass) = 0;
  virtual Made make_bias_grad(const BiasGradDesc&) = 0;
  virtual Made make_bias_add(const BiasAddDesc&) = 0;
  virtual Made make_activation(const ActivationDesc&, ActivationPass) = 0;
  virtual Made make_norm(const NormDesc&, NormPass) = 0;
  virtual Made make_upsample(const UpsampleDesc&, LinearPass) = 0;
  virtual Made make_pool(const PoolDesc&, PoolPass) = 0;
  virtual Made make_pad(const PadDesc&, LinearPass) = 0;
  virtual Made make_channel_concat(const ConcatDesc&, LinearPass) = 0;
  virtual Made make_sum(const SumDesc&) = 0;
  virtual Made make_sample_dot(const DotDesc&, DotPass) = 0;
  virtual Made make_dropout(const DropoutDesc&) = 0;
  virtual Made make_random(const RandomDesc&) = 0;
  virtual Made make_one_hot(const OneHotDesc&) = 0;
  virtual Made make_target(const TargetDesc&) = 0;
  virtual Made make_instance_noise(const InstanceNoiseDesc&) = 0;
  virtual Made make_loss(const LossDesc&, bool gradient) = 0;
  virtual Made make_reduce(const ReduceDesc&) = 0;
  virtual Made make_interpolate(const InterpolateDesc&) = 0;
  virtual Made make_deviation(const DeviationDesc&) = 0;
  virtual Made make_perturb(const PerturbDesc&) = 0;
  virtual Made make_gradient_penalty(const GradientPenaltyDesc&) = 0;
  virtual Made make_optimizer(const OptimizerDesc&) = 0;
  virtual Made make_grad_norm(const GradNormDesc&) = 0;
  virtual Made make_schedule(const ScheduleDesc&) = 0;
  virtual Made make_advance(const AdvanceDesc&) = 0;
  virtual Made make_loss_scale(const LossScaleDesc&) = 0;
  virtual Made make_cast(const CastDesc&) = 0;
  virtual Made make_spectral_norm(const SpectralNormDesc&, SpectralNormPass) = 0;
  virtual Made make_reconstruction(const ReconstructionDesc&) = 0;
  virtual Made make_pulling_away(const PullingAwayDesc&) = 0;
  virtual Made make_equilibrium(const EquilibriumDesc&) = 0;
  virtual Made make_feature_match(const FeatureMatchDesc&) = 0;
  virtual Made make_minibatch(const MinibatchDesc&, MinibatchPass) = 0;
  virtual Made make_variational(const VariationalDesc&, VariationalPass) = 0;
  virtual Made make_virtual_norm(const VirtualNormDesc&, VirtualNormPass) = 0;
  virtual Made make_historical_average(const HistoricalAverageDesc&) = 0;
  virtual Made make_decode(const DecodeDesc&) = 0;
  virtual Made make_lecam(const LecamDesc&) = 0;
  virtual Made make_moving_average(const MovingAverageDesc&) = 0;
  virtual Made make_top_k(const TopKDesc&) = 0;
  virtual Made make_adaptive_probability(const AdaptiveProbabilityDesc&) = 0;
  virtual Made make_augment_draw(const AugmentDrawDesc&) = 0;
  virtual Made make_augment(const AugmentDesc&, LinearPass) = 0;
};

struct Backend {
  std::string name;  // "cpu"
  std::unique_ptr<Device> device;
  std::unique_ptr<Kernels> kernels;  // made after the device, gone before it
  // What networks learn with where ComputeOptions ask for 16 bits: narrow_real() is not real().
  // Else null.
  std::unique_ptr<Kernels> narrow_kernels{};
  // Where devices are apart: what the ranks' processes were joined by, and still agree by.
  std::unique_ptr<Communicator> host_communicator{};
  // What joins this rank's device with those of the others. Gone before all of the above, and after
  // every recording that holds an operation of it.
  std::unique_ptr<Communicator> communicator = std::make_unique<NullCommunicator>();
};

enum class BackendChoice { kAuto, kCpu, kCuda };

// Opens a device. threads: CPU threads, 0 for all that this process may use. local_rank: which of
// this host's ranks it is for; each has a GPU of its own. Throws EnvironmentError with the remedy
// when it cannot be had, ConfigError for options that it has not. Only kernels/backends.cpp knows
// which exist.
Backend open_backend(BackendChoice choice, int threads, const ComputeOptions& options = {},
                     int local_rank = 0);

// What this build computes with: the version it was compiled for, and the one that was loaded.
struct LibraryVersion {
  std::string name, compiled, loaded;
};
std::vector<LibraryVersion> library_versions();
// Whether this build has a CUDA backend (not whether there is a GPU).
bool has_cuda_backend();

}  // namespace gantry
