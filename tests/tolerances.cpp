// SPDX-License-Identifier: Apache-2.0
#include "tests/tolerances.h"

#include <stdexcept>

namespace gantry {
namespace {

constexpr Tolerance kTable[] = {
    // op, dtype, limits: nmse, max_rel; measured: nmse, max_rel
    // Sums of k products: each rounds to 2^-24 of a partial sum, k up to 6272 here.
    {"conv2d.forward", "f32", 4e-12, 5e-6, 8.0e-13, 1.3e-6},
    {"conv2d.backward_data", "f32", 4e-12, 5e-6, 1.9e-13, 7.9e-7},
    {"conv2d.backward_weights", "f32", 4e-12, 5e-6, 3.1e-13, 7.2e-7},
    {"dense.forward", "f32", 1e-12, 5e-6, 1.2e-13, 2.7e-6},
    {"dense.backward_data", "f32", 1e-12, 2e-6, 8.4e-14, 4.7e-7},
    {"dense.backward_weights", "f32", 1e-12, 2e-6, 2.0e-14, 3.3e-7},
    {"bias_grad", "f32", 1e-12, 2e-6, 6.3e-14, 2.0e-7},
    // One rounding per element.
    {"bias_add", "f32", 1e-14, 2e-7, 7.7e-16, 4.8e-8},
    // A few roundings per element; VectorMath adds up to 3 units in the last place. The second
    // derivative of SiLU at 17 multiplies 1 - sigmoid(x), which has one digit left in f32, by x.
    {"activation.forward", "f32", 1e-13, 1e-6, 2.6e-15, 9.0e-8},
    {"activation.backward", "f32", 1e-13, 1e-6, 5.1e-14, 4.7e-7},
    {"activation.double_backward", "f32", 3e-12, 4e-6, 6.7e-13, 9.6e-7},
    {"sum", "f32", 1e-14, 2e-7, 6.6e-15, 8.1e-8},
    {"dot", "f32", 1e-13, 1e-6, 1.4e-15, 4.7e-8},
    {"random", "f32", 1e-14, 2e-7, 8.6e-16, 5.9e-8},
    {"dropout", "f32", 1e-14, 2e-7, 6.7e-15, 8.2e-8},
    {"target", "f32", 1e-14, 2e-7, 7.1e-16, 5.0e-8},
    {"instance_noise", "f32", 1e-14, 2e-7, 1.7e-15, 4.7e-8},
    {"one_hot", "f32", 0, 0, 0, 0},
    // Sums over a group in f32 by blocks of 64 rows, then f64.
    {"norm.forward", "f32", 1e-12, 2e-6, 4.9e-14, 9.2e-7},
    {"norm.inference", "f32", 1e-12, 2e-6, 2.4e-15, 1.2e-7},
    {"norm.backward", "f32", 1e-12, 2e-6, 1.8e-13, 4.5e-7},
    {"norm.double_backward", "f32", 1e-12, 2e-6, 1.4e-13, 3.8e-7},
    // Values in f32, sums in f64.
    {"loss.bce_logits", "f32", 1e-13, 1e-6, 5.6e-15, 1.0e-7},
    {"loss.mse", "f32", 1e-13, 1e-6, 4.7e-15, 1.2e-7},
    {"loss.l1", "f32", 1e-13, 1e-6, 3.7e-15, 7.7e-8},
    {"loss.linear", "f32", 1e-13, 1e-6, 3.7e-15, 7.7e-8},
    {"loss.hinge", "f32", 1e-13, 1e-6, 3.7e-15, 7.7e-8},
    {"loss.cross_entropy", "f32", 1e-13, 1e-6, 2.0e-15, 4.5e-8},
    {"loss.bce_logsumexp", "f32", 1e-13, 1e-6, 2.0e-15, 4.5e-8},
    {"reduce", "f32", 1e-13, 1e-6, 1.5e-15, 3.8e-8},
    {"interpolate", "f32", 1e-13, 1e-6, 5.5e-15, 8.2e-8},
    {"deviation", "f32", 1e-13, 1e-6, 1.1e-15, 3.4e-8},
    {"perturb", "f32", 1e-13, 1e-6, 1.6e-15, 5.8e-8},
    {"gradient_penalty", "f32", 1e-13, 1e-6, 3.7e-15, 7.9e-8},
    {"optimizer", "f32", 1e-13, 1e-6, 7.5e-15, 1.6e-7},
    {"grad_norm", "f32", 1e-13, 1e-6, 2.8e-15, 5.3e-8},
    {"schedule", "f32", 1e-13, 1e-6, 2.3e-15, 4.7e-8},
    // The f32 mean that the op returns is off by up to half a unit in its last place, 5e-4 of
    // the deviation 1, and y with it.
    {"norm.forward, mean 1e4", "f32", 4e-7, 1e-3, 6.4e-8, 1.5e-4},
    {"upsample.forward", "f32", 1e-13, 5e-7, 3.5e-15, 1.1e-7},
    {"upsample.backward", "f32", 1e-13, 1e-6, 1.8e-14, 2.3e-7},
    {"pad.forward", "f32", 0, 0, 0, 0},
    {"pad.backward", "f32", 1e-13, 1e-6, 1.5e-15, 6.1e-8},
    {"pool.forward", "f32", 1e-13, 1e-6, 1.0e-14, 1.0e-7},
    {"pool.backward", "f32", 1e-13, 1e-6, 4.3e-15, 8.6e-8},
    {"concat", "f32", 0, 0, 0, 0},
    {"spectral_norm.forward", "f32", 1e-12, 2e-6, 6.1e-15, 9.1e-8},
    // Sums in f64; gradients round each residual, or each step of a sum over the batch.
    {"reconstruction", "f32", 1e-13, 1e-6, 4.2e-15, 1.0e-7},
    {"pulling_away", "f32", 1e-12, 2e-6, 1.9e-14, 3.5e-7},
    {"equilibrium", "f32", 1e-13, 1e-6, 2.9e-15, 5.4e-8},
    {"feature_match", "f32", 1e-13, 1e-6, 2.2e-15, 4.7e-8},
    {"minibatch.forward", "f32", 1e-13, 1e-6, 4.3e-15, 1.3e-7},
    {"minibatch.backward", "f32", 1e-13, 1e-6, 8.9e-15, 1.6e-7},
    {"minibatch.double_backward", "f32", 2e-13, 1e-6, 1.3e-14, 1.8e-7},
    {"variational.forward", "f32", 1e-13, 1e-6, 1.4e-15, 5.8e-8},
    {"variational.backward", "f32", 1e-13, 1e-6, 3.5e-15, 1.1e-7},
    {"virtual_norm.forward", "f32", 1e-13, 1e-6, 2.1e-15, 1.1e-7},
    {"virtual_norm.backward", "f32", 1e-13, 1e-6, 1.1e-15, 4.5e-8},
    {"historical_average", "f32", 1e-13, 1e-6, 1.6e-15, 6.1e-8},
    {"lecam", "f32", 1e-13, 1e-6, 1.5e-15, 3.9e-8},
    {"moving_average", "f32", 1e-13, 1e-6, 5.0e-16, 2.2e-8},
    {"top_k", "f32", 1e-13, 1e-6, 2.3e-15, 4.8e-8},
    {"adaptive_probability", "f32", 1e-13, 1e-6, 2.5e-15, 5.0e-8},
    {"augment_draw", "f32", 1e-14, 2e-7, 5.0e-18, 3.1e-9},
    {"augment.forward", "f32", 1e-13, 1e-6, 3.8e-15, 1.5e-7},
    {"augment.backward", "f32", 1e-13, 1e-6, 3.4e-15, 1.2e-7},
    {"decode", "f32", 1e-14, 2e-7, 1.3e-15, 4.2e-8},
    {"spectral_norm.backward", "f32", 1e-12, 2e-6, 1.1e-15, 5.3e-8},
    {"loss_scale", "f32", 0, 0, 0, 0},
    {"cast", "f32", 1e-14, 2e-7, 0, 0},
    // 16 bits, computed in f32 from the same rounded values: one rounding of the result, by 2^-8 in
    // bf16 and 2^-11 in f16 of its size, whose square bounds nmse (a result of one element).
    // Products and what follows them round once each.
    {"cast", "bf16", 1.6e-5, 4e-3, 6.0e-6, 2.4e-3},
    {"cast", "f16", 2.4e-7, 5e-4, 4.5e-8, 2.8e-4},
    {"activation.forward", "bf16", 1.6e-5, 4e-3, 5.6e-6, 3.2e-3},
    {"activation.forward", "f16", 2.4e-7, 5e-4, 6.8e-8, 3.7e-4},
    {"activation.backward", "bf16", 1.6e-5, 4e-3, 5.6e-6, 3.6e-3},
    {"activation.backward", "f16", 2.4e-7, 5e-4, 1.8e-7, 4.6e-4},
    {"activation.double_backward", "bf16", 1.6e-5, 4e-3, 1.0e-5, 3.5e-3},
    {"activation.double_backward", "f16", 2.4e-7, 5e-4, 1.3e-7, 4.4e-4},
    {"bias_add", "bf16", 1.6e-5, 4e-3, 2.8e-6, 3.1e-3},
    {"bias_add", "f16", 2.4e-7, 5e-4, 4.5e-8, 4.4e-4},
    {"concat", "bf16", 0, 0, 0, 0},
    {"concat", "f16", 0, 0, 0, 0},
    {"conv2d.backward_data", "bf16", 6.2e-5, 8e-3, 1.3e-5, 5.7e-3},
    {"conv2d.backward_data", "f16", 9.6e-7, 1e-3, 2.0e-7, 8.0e-4},
    {"conv2d.forward", "bf16", 6.2e-5, 8e-3, 3.0e-5, 6.5e-3},
    {"conv2d.forward", "f16", 9.6e-7, 1e-3, 3.7e-7, 9.0e-4},
    {"dense.backward_data", "bf16", 1.6e-5, 4e-3, 2.8e-6, 3.4e-3},
    {"dense.backward_data", "f16", 2.4e-7, 5e-4, 5.2e-8, 4.4e-4},
    {"dense.forward", "bf16", 6.2e-5, 8e-3, 1.1e-5, 7.7e-3},
    {"dense.forward", "f16", 9.6e-7, 1e-3, 1.1e-7, 9.4e-4},
    {"dropout", "bf16", 1.6e-5, 4e-3, 2.9e-6, 2.3e-3},
    {"dropout", "f16", 2.4e-7, 5e-4, 5.1e-8, 3.0e-4},
    {"norm.backward", "bf16", 1.6e-5, 4e-3, 6.5e-6, 3.1e-3},
    {"norm.backward", "f16", 2.4e-7, 5e-4, 7.9e-8, 4.7e-4},
    {"norm.double_backward", "bf16", 1.6e-5, 4e-3, 5.1e-6, 3.6e-3},
    {"norm.double_backward", "f16", 2.4e-7, 5e-4, 9.0e-8, 4.7e-4},
    {"norm.forward", "bf16", 1.6e-5, 4e-3, 3.5e-6, 3.5e-3},
    {"norm.forward", "f16", 2.4e-7, 5e-4, 9.1e-8, 4.4e-4},
    {"norm.inference", "bf16", 1.6e-5, 4e-3, 3.0e-6, 3.2e-3},
    {"norm.inference", "f16", 2.4e-7, 5e-4, 5.7e-8, 3.8e-4},
    {"optimizer", "bf16", 1.6e-5, 4e-3, 1.0e-6, 2.4e-3},
    {"optimizer", "f16", 2.4e-7, 5e-4, 6.0e-8, 3.0e-4},
    {"pad.backward", "bf16", 1.6e-5, 4e-3, 3.4e-6, 3.6e-3},
    {"pad.backward", "f16", 2.4e-7, 5e-4, 5.8e-8, 3.3e-4},
    {"pad.forward", "bf16", 0, 0, 0, 0},
    {"pad.forward", "f16", 0, 0, 0, 0},
    {"pool.backward", "bf16", 1.6e-5, 4e-3, 2.8e-6, 2.8e-3},
    {"pool.backward", "f16", 2.4e-7, 5e-4, 7.6e-8, 4.3e-4},
    {"pool.forward", "bf16", 1.6e-5, 4e-3, 3.4e-6, 3.1e-3},
    {"pool.forward", "f16", 2.4e-7, 5e-4, 4.9e-8, 3.3e-4},
    {"sum", "bf16", 1.6e-5, 4e-3, 1.0e-5, 3.7e-3},
    {"sum", "f16", 2.4e-7, 5e-4, 1.4e-7, 4.7e-4},
    {"upsample.backward", "bf16", 1.6e-5, 4e-3, 4.3e-6, 3.3e-3},
    {"upsample.backward", "f16", 2.4e-7, 5e-4, 5.6e-8, 4.2e-4},
    {"upsample.forward", "bf16", 1.6e-5, 4e-3, 2.9e-6, 3.0e-3},
    {"upsample.forward", "f16", 2.4e-7, 5e-4, 4.9e-8, 3.7e-4},
    // What is f32 there: as where all is. But a library may write the weight gradient in f16.
    {"bias_grad from bf16", "f32", 1e-12, 2e-6, 8.6e-16, 4.2e-8},
    {"bias_grad from f16", "f32", 1e-12, 2e-6, 1.2e-15, 4.2e-8},
    {"cast from bf16", "f32", 1e-14, 2e-7, 0, 0},
    {"cast from f16", "f32", 1e-14, 2e-7, 0, 0},
    {"conv2d.backward_weights from bf16", "f32", 4e-12, 5e-6, 6.2e-14, 5.2e-7},
    {"conv2d.backward_weights from f16", "f32", 2.4e-7, 5e-4, 6.0e-8, 3.5e-4},
    {"dense.backward_weights from bf16", "f32", 1e-12, 2e-6, 1.8e-15, 5.8e-8},
    {"dense.backward_weights from f16", "f32", 1e-12, 2e-6, 1.8e-15, 5.0e-8},
    {"norm.backward from bf16", "f32", 1e-12, 2e-6, 1.0e-13, 3.3e-7},
    {"norm.backward from f16", "f32", 1e-12, 2e-6, 3.2e-13, 6.8e-7},
    {"norm.double_backward from bf16", "f32", 1e-12, 2e-6, 9.0e-15, 1.3e-7},
    {"norm.double_backward from f16", "f32", 1e-12, 2e-6, 2.6e-13, 6.9e-7},
    {"norm.forward from bf16", "f32", 1e-12, 2e-6, 4.3e-15, 3.2e-7},
    {"norm.forward from f16", "f32", 1e-12, 2e-6, 4.2e-15, 3.2e-7},
    {"optimizer from bf16", "f32", 1e-13, 1e-6, 4.4e-15, 1.6e-7},
    {"optimizer from f16", "f32", 1e-13, 1e-6, 4.4e-15, 1.6e-7},
};

}  // namespace

const Tolerance& tolerance(const std::string& op, const std::string& dtype) {
  for (const Tolerance& row : kTable)
    if (op == row.op && dtype == row.dtype) return row;
  throw std::out_of_range("tests/tolerances.cpp has no row for " + op + " " + dtype);
}

}  // namespace gantry
