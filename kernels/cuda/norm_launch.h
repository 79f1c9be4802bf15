// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>

#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/norm_apply_kernels.cuh"

namespace gantry::cuda {

// Each in the file of its name.
std::shared_ptr<Kernel> norm_forward(const NormDesc& desc);
std::shared_ptr<Kernel> norm_inference(const NormDesc& desc);
std::shared_ptr<Kernel> norm_backward(const NormDesc& desc, bool parameters);
std::shared_ptr<Kernel> norm_double_backward(const NormDesc& desc);

NormLayout norm_layout(const NormDesc& desc);
NormTile norm_tile(int columns, int width);

// The fused activation: z where z > 0, else slope z.
inline float norm_slope(const Activation& act) {
  if (act.kind == ActivationKind::kLeakyReLU) return act.alpha;
  return act.kind == ActivationKind::kReLU ? 0.0f : 1.0f;
}

// What a normalisation's columns have in common: gamma and beta per column, mean and rstd per
// statistic.
struct NormStats {
  const float *gamma, *beta, *mean, *rstd;
};
template <int kWidth>
Affine<kWidth> affine(const NormStats& of, float slope) {
  return {of.gamma, of.beta, of.mean, of.rstd, slope, {}, {}, {}, {}};
}

// Calls run with the width as a constant: 4 where columns and addresses allow it.
template <typename Run>
void with_norm_width(const NormLayout& r, std::initializer_list<const void*> arrays,
                     const Run& run) {
  const bool packs =
      r.columns % kMapWidth == 0 && std::all_of(arrays.begin(), arrays.end(), aligned_to_pack);
  if (packs) {
    run(std::integral_constant<int, kMapWidth>());
  } else {
    run(std::integral_constant<int, 1>());
  }
}

// Scratch memory of a pass: partial sums of `floats` per column and chunk; the combined values of
// columns, where slices are put together from them; `per_stat` floats per statistic.
template <typename Value>
struct NormScratch {
  NormScratch(const NormLayout& r, bool in_order, int per_stat)
      : columns(rounded(sizeof(float) * static_cast<size_t>(r.chunks) * Value::kFloats *
                        static_cast<size_t>(r.columns_in_all()))),
        coefs(columns +
              (in_order ? 0 : rounded(sizeof(Value) * static_cast<size_t>(r.columns_in_all())))),
        end(coefs + sizeof(float) * static_cast<size_t>(per_stat) * static_cast<size_t>(r.groups) *
                        static_cast<size_t>(r.slices)) {}
  size_t columns, coefs, end;  // where each begins; the partial sums at 0

 private:
  static size_t rounded(size_t bytes) { return (bytes + 255) / 256 * 256; }
};

template <int kWidth, typename Terms>
void launch_norm_sums(Stream& stream, const NormLayout& r, const Terms& terms, float* partial) {
  const NormTile tile = norm_tile(r.columns, kWidth);
  const int wide = tile.across * kWidth;
  const dim3 grid(static_cast<unsigned>(r.groups * r.chunks),
                  static_cast<unsigned>((r.columns + wide - 1) / wide));
  launch(norm_sums_kernel<kWidth, Terms>, {grid, kNormThreads, 0}, stream, terms, r, tile, partial);
}

template <typename Value, bool kInOrder, typename Use>
void launch_norm_combine(Stream& stream, const NormLayout& r, const float* partial,
                         const Use& use) {
  const dim3 grid(static_cast<unsigned>((r.columns + kCombineColumns - 1) / kCombineColumns),
                  kInOrder ? 1u : static_cast<unsigned>(r.groups));
  launch(norm_combine_kernel<Value, kInOrder, Use>, {grid, kCombineColumns * kCombineDepth, 0},
         stream, r, partial, use);
}

// The stage kMeans, from the sums over chunks, and what the stage kRest begins with.
template <typename Value>
void launch_norm_means(Stream& stream, const NormLayout& r, const float* partial, double* means) {
  launch_norm_combine<Value, true>(stream, r, partial, WriteMeans<Value>{means, r});
}
template <typename Value, typename Use>
void launch_norm_from_means(Stream& stream, const NormDesc& d, const NormLayout& r,
                            const double* means, const Use& use) {
  launch(norm_from_means_kernel<Value, Use>, one_thread_each(r.columns), stream, r, means,
         static_cast<int>(d.ranks), use);
}

template <typename Value, typename Use>
void launch_norm_slices(Stream& stream, const NormLayout& r, const Value* columns, const Use& use) {
  const int64_t threads = int64_t{r.groups} * r.slices * kWarp;
  launch(norm_slices_kernel<Value, Use>, one_thread_each(threads), stream, r, columns, use);
}

template <typename Value, typename Use>
void launch_norm_grads(Stream& stream, const NormLayout& r, const Value* columns, const Use& use) {
  const dim3 grid(static_cast<unsigned>((r.columns + kCombineColumns - 1) / kCombineColumns));
  launch(norm_grads_kernel<Value, Use>, {grid, kCombineColumns * kCombineDepth, 0}, stream, r,
         columns, use);
}

template <int kWidth, typename Apply>
void launch_norm_apply(Stream& stream, const NormLayout& r, const Apply& apply) {
  constexpr int64_t kRowsPerThread = 8;  // hides the cost of reading a column's coefficients
  const NormTile tile = norm_tile(r.columns, kWidth);
  const int wide = tile.across * kWidth;
  const int parts = static_cast<int>(std::max<int64_t>(1, r.rows / (tile.down * kRowsPerThread)));
  const dim3 grid(static_cast<unsigned>(r.groups) * static_cast<unsigned>(parts),
                  static_cast<unsigned>((r.columns + wide - 1) / wide));
  launch(norm_apply_kernel<kWidth, Apply>, {grid, kNormThreads, 0}, stream, apply, r, tile, parts);
}

}  // namespace gantry::cuda
