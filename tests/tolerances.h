// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gantry {

// How far a backend may be from the double-precision reference, per op and dtype:
//   nmse     = sum (got - want)^2 / sum want^2
//   max_rel  = max |got - want| / max |want|
// `seen_*` is the largest value measured over all cases of kernels_tests (x86-64 with AVX-512, 2
// threads; GANTRY_TOLERANCES=print kernels_tests prints them). Raising a limit needs a reason in
// the commit that does it.
struct Tolerance {
  const char* op;
  const char* dtype;
  double nmse, max_rel;
  double seen_nmse, seen_max_rel;
};

// Of the op's row for the dtype. Fails the running program when the table has none.
const Tolerance& tolerance(const std::string& op, const std::string& dtype);

// Against PyTorch in double: |got - want| relative to the largest value of the tensor.
inline constexpr double kGoldenReference = 1e-14;  // the reference backend; seen 4.6e-16
inline constexpr double kGoldenF32 = 2e-6;         // seen 2.5e-7

// Checks of calculus in double, step 1e-5: relative errors.
inline constexpr double kAdjoint = 1e-14;          // seen 8.8e-17
inline constexpr double kFiniteDifference = 3e-8;  // seen 5.8e-9
inline constexpr double kSecondDifference = 3e-8;  // seen 2.7e-9

// Whole networks against PyTorch in double, whose values are kept to 12 digits: relative errors in
// the Euclidean norm.
inline constexpr double kNetworkGolden = 1e-10;  // seen 1.5e-11 (sums that almost cancel)

// Whole networks in f32 against the reference: relative errors in the Euclidean norm.
inline constexpr double kNetworkForwardF32 = 1e-5;      // seen 2.1e-6
inline constexpr double kNetworkBackwardF32 = 5e-6;     // seen 5.8e-7
inline constexpr double kNetworkSecondOrderF32 = 5e-6;  // seen 3.6e-7

// Whole networks on the reference against difference quotients with eps 1e-6.
inline constexpr double kNetworkDifference = 1e-7;        // seen 3.6e-8
inline constexpr double kNetworkSecondDifference = 5e-7;  // seen 6.3e-8
// The critics of configs/ with eps 1e-8, a sixteenth as wide.
inline constexpr double kCriticDifference = 1e-5;  // seen 1.8e-6
// Losses, gradients and updates of both players against PyTorch in double: in the Euclidean norm,
// of gradients per layer.
inline constexpr double kUpdateGolden = 1e-10;    // seen 2.2e-14
inline constexpr double kUpdateGoldenF32 = 1e-5;  // seen 2.2e-6
// Losses with a constant that is kept in float32.
inline constexpr double kUpdateConstant = 1e-7;  // seen 4.8e-8
// D's whole update, penalties included, along one direction per parameter tensor.
inline constexpr double kUpdateDifference = 1e-7;  // seen 1.8e-8

// 20 training steps of a shipped config on two backends: losses relative to 1 + |loss|; the
// distance between the weights relative to how far they have come. Seen between one and two CPU
// threads.
inline constexpr double kStepsLossF32 = 1e-5;     // seen 2.1e-7
inline constexpr double kStepsWeightsF32 = 1e-4;  // seen 1.6e-6

// 5 training steps of small GANs in 16 bits against f32, measured as above.
inline constexpr double kStepsLossBf16 = 1e-2;     // seen 2.8e-3
inline constexpr double kStepsWeightsBf16 = 4e-1;  // seen 1.4e-1
inline constexpr double kStepsLossFp16 = 1e-3;     // seen 3.2e-4
inline constexpr double kStepsWeightsFp16 = 8e-2;  // seen 2.3e-2

// Two training steps on 2 and 4 ranks against one, measured as above: sums over the batch are cut
// otherwise.
inline constexpr double kRanksLossF32 = 5e-6;     // seen 1.4e-6
inline constexpr double kRanksWeightsF32 = 1e-3;  // seen 1.3e-4
// The gradients of the first of them, relative to their length.
inline constexpr double kRanksGradientsF32 = 2e-6;  // seen 2.5e-7
// batch_norm of numbers of order 1 whose statistics ranks share, all passes, against one rank.
inline constexpr double kSharedNormF32 = 5e-6;  // seen 4.8e-7, by CUDA kernels 1.1e-6
// minibatch_discrimination of a batch that ranks share, in double, relative to one rank.
inline constexpr double kSharedBatchF64 = 1e-14;  // seen 3.5e-16

}  // namespace gantry
