// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/parallel.h"
#include "kernels/ops/norm.h"

namespace gantry::cpu {

// The input of a norm as `segments` (what shares statistics along n) of `rows` rows of `width`
// lanes. Where C is small several pixels make one row, so that loops over lanes stay long:
// lane l is channel l % channels. Statistics belong to `groups` slices of the channels of a
// segment.
struct NormRows {
  int64_t segments = 1, rows = 1, width = 1, channels = 1, groups = 1;
  Pieces chunks;  // of the rows of a segment

  explicit NormRows(const NormDesc& desc);

  int64_t channels_per_group() const { return channels / groups; }
  int64_t group_of(int64_t channel) const { return channel / channels_per_group(); }
  double values_per_group() const {
    const int64_t lanes = width / channels;
    return static_cast<double>(rows * lanes * channels_per_group());
  }
  int64_t segment_elements() const { return rows * width; }
};

// Rows whose f32 sums are added up before they are flushed into f64.
inline constexpr int64_t kNormBlock = 64;

// Where the partial results of one task stand, all zero or undefined as said below.
struct NormTask {
  double* sums;  // kSums x width, zero at first
  float* block;  // kSums x width, undefined at first
};

// Runs a pass over rows: statistics of each segment, then its elements. A Pass has
//   kSums            f64 per lane that `reduce` adds up
//   kCoefs           f32 per lane that `apply` reads
//   kGrads           f64 per channel that `finish` adds to, over all segments
//   prepare(segment, coefs)                  what reduce needs of mean, rstd, gamma, beta
//   reduce(first, rows, coefs, task)         sums of the rows from element `first` on
//   merge(into, into_rows, from, from_rows)  joins the sums of two row ranges
//   finish(segment, sums, coefs, grads)      coefs from the sums of the whole segment
//   apply(first, rows, coefs)                writes the elements
// Segments of one chunk are done whole, one after the other, while they are in the cache; larger
// ones in three sweeps. Scratch: NormScratch<Pass>::bytes.
template <typename Pass>
struct NormScratch {
  int64_t tasks, coef_sets, grad_sets;
  int64_t sums_bytes, block_bytes, coefs_bytes, grads_bytes;

  explicit NormScratch(const NormRows& r) {
    const bool whole = r.chunks.count() == 1;
    grad_sets = whole ? slabs(r).count() : 1;
    tasks = whole ? grad_sets : r.segments * r.chunks.count();
    coef_sets = whole ? grad_sets : r.segments;
    sums_bytes = aligned(Pass::kSums * r.width * 8);
    block_bytes = aligned(Pass::kSums * r.width * 4);
    coefs_bytes = aligned(Pass::kCoefs * r.width * 4);
    grads_bytes = aligned(Pass::kGrads * r.channels * 8);
  }

  static Pieces slabs(const NormRows& r) { return cut(r.segments, 1, 32); }
  static int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

  size_t bytes() const {
    return static_cast<size_t>(tasks * (sums_bytes + block_bytes) + coef_sets * coefs_bytes +
                               grad_sets * grads_bytes);
  }
  NormTask task(void* scratch, int64_t i) const {
    char* at = static_cast<char*>(scratch) + i * (sums_bytes + block_bytes);
    return {reinterpret_cast<double*>(at), reinterpret_cast<float*>(at + sums_bytes)};
  }
  float* coefs(void* scratch, int64_t i) const {
    char* at = static_cast<char*>(scratch) + tasks * (sums_bytes + block_bytes);
    return reinterpret_cast<float*>(at + i * coefs_bytes);
  }
  double* grads(void* scratch, int64_t i) const {
    return reinterpret_cast<double*>(reinterpret_cast<char*>(coefs(scratch, coef_sets)) +
                                     i * grads_bytes);
  }
};

template <typename Pass>
void norm_whole_segments(const NormRows& r, const Pass& pass, int threads, void* scratch) {
  const NormScratch<Pass> room(r);
  const Pieces slabs = NormScratch<Pass>::slabs(r);
  parallel_for(threads, slabs.count(), [&](int64_t slab) {
    const NormTask task = room.task(scratch, slab);
    float* coefs = room.coefs(scratch, slab);
    double* grads = room.grads(scratch, slab);
    std::fill_n(grads, Pass::kGrads * r.channels, 0.0);
    for (int64_t segment = slabs.begin(slab); segment < slabs.end(slab); ++segment) {
      std::fill_n(task.sums, Pass::kSums * r.width, 0.0);
      const int64_t first = segment * r.segment_elements();
      pass.prepare(segment, coefs);
      pass.reduce(first, r.rows, coefs, task);
      pass.finish(segment, task.sums, coefs, grads);
      pass.apply(first, r.rows, coefs);
    }
  });
}

template <typename Pass>
void norm_by_chunks(const NormRows& r, const Pass& pass, int threads, void* scratch) {
  const NormScratch<Pass> room(r);
  const int64_t chunks = r.chunks.count();
  const auto first = [&](int64_t i) {
    return i / chunks * r.segment_elements() + r.chunks.begin(i % chunks) * r.width;
  };
  for (int64_t s = 0; s < r.segments; ++s) pass.prepare(s, room.coefs(scratch, s));
  parallel_for(threads, room.tasks, [&](int64_t i) {
    const NormTask task = room.task(scratch, i);
    std::fill_n(task.sums, Pass::kSums * r.width, 0.0);
    pass.reduce(first(i), r.chunks.size_of(i % chunks), room.coefs(scratch, i / chunks), task);
  });
  double* grads = room.grads(scratch, 0);
  std::fill_n(grads, Pass::kGrads * r.channels, 0.0);
  for (int64_t s = 0; s < r.segments; ++s) {
    double* sums = room.task(scratch, s * chunks).sums;
    for (int64_t k = 1; k < chunks; ++k)
      pass.merge(sums, r.chunks.begin(k), room.task(scratch, s * chunks + k).sums,
                 r.chunks.size_of(k));
    pass.finish(s, sums, room.coefs(scratch, s), grads);
  }
  // Backwards: the rows that the first sweep touched last may still be in the cache.
  parallel_for(threads, room.tasks, [&](int64_t backward) {
    const int64_t i = room.tasks - 1 - backward;
    pass.apply(first(i), r.chunks.size_of(i % chunks), room.coefs(scratch, i / chunks));
  });
}

// The first half of a pass over a batch that several ranks share: what its sums come to here, per
// value of this rank. A Pass that is run so has, besides the above,
//   to_means(sums, means)    of one segment: kSums x channels
//   from_means(means, sums)  sums of as many values as are here with these means, in any lanes
template <typename Pass>
void norm_means(const NormRows& r, const Pass& pass, int threads, void* scratch, double* means) {
  const NormScratch<Pass> room(r);
  const int64_t chunks = r.chunks.count();
  for (int64_t s = 0; s < r.segments; ++s) {
    float* coefs = room.coefs(scratch, 0);
    pass.prepare(s, coefs);
    parallel_for(threads, chunks, [&](int64_t k) {
      const NormTask task = room.task(scratch, k);
      std::fill_n(task.sums, Pass::kSums * r.width, 0.0);
      const int64_t first = s * r.segment_elements() + r.chunks.begin(k) * r.width;
      pass.reduce(first, r.chunks.size_of(k), coefs, task);
    });
    double* sums = room.task(scratch, 0).sums;
    for (int64_t k = 1; k < chunks; ++k)
      pass.merge(sums, r.chunks.begin(k), room.task(scratch, k).sums, r.chunks.size_of(k));
    pass.to_means(sums, means + s * Pass::kSums * r.channels);
  }
}

// The second half, from the means over all ranks.
template <typename Pass>
void norm_from_means(const NormRows& r, const Pass& pass, int threads, void* scratch,
                     const double* means) {
  const NormScratch<Pass> room(r);
  float* coefs = room.coefs(scratch, 0);
  double *sums = room.task(scratch, 0).sums, *grads = room.grads(scratch, 0);
  std::fill_n(grads, Pass::kGrads * r.channels, 0.0);
  for (int64_t s = 0; s < r.segments; ++s) {
    pass.prepare(s, coefs);
    std::fill_n(sums, Pass::kSums * r.width, 0.0);
    pass.from_means(means + s * Pass::kSums * r.channels, sums);
    pass.finish(s, sums, coefs, grads);
    parallel_for(threads, r.chunks.count(), [&](int64_t k) {
      const int64_t first = s * r.segment_elements() + r.chunks.begin(k) * r.width;
      pass.apply(first, r.chunks.size_of(k), coefs);
    });
  }
}

// Leaves the sums over all segments in room.grads(scratch, 0). `means`: of the stage kRest.
template <typename Pass>
void run_norm(const NormRows& r, const Pass& pass, int threads, void* scratch,
              const double* means = nullptr) {
  const NormScratch<Pass> room(r);
  if (means != nullptr) return norm_from_means(r, pass, threads, scratch, means);
  if (r.chunks.count() == 1) {
    norm_whole_segments(r, pass, threads, scratch);
  } else {
    norm_by_chunks(r, pass, threads, scratch);
  }
  double* total = room.grads(scratch, 0);
  for (int64_t set = 1; set < room.grad_sets; ++set) {
    const double* grads = room.grads(scratch, set);
    for (int64_t c = 0; c < Pass::kGrads * r.channels; ++c) total[c] += grads[c];
  }
}

// Adds what the lanes of one channel hold into its first lane.
inline void fold_lanes(const NormRows& r, int count, double* sums) {
  for (int k = 0; k < count; ++k)
    for (int64_t lane = r.channels; lane < r.width; ++lane)
      sums[k * r.width + lane % r.channels] += sums[k * r.width + lane];
}

// Copies the first `channels` values of each of `count` rows to the lanes that follow.
inline void spread_lanes(const NormRows& r, int count, float* coefs) {
  for (int k = 0; k < count; ++k)
    for (int64_t lane = r.channels; lane < r.width; ++lane)
      coefs[k * r.width + lane] = coefs[k * r.width + lane - r.channels];
}

// Sums over the values of a segment as means, and back.
inline void sums_to_means(const NormRows& r, int count, double* sums, double* means) {
  fold_lanes(r, count, sums);
  for (int k = 0; k < count; ++k)
    for (int64_t c = 0; c < r.channels; ++c)
      means[k * r.channels + c] = sums[k * r.width + c] / r.values_per_group();
}
inline void means_to_sums(const NormRows& r, int count, const double* means, double* sums) {
  for (int k = 0; k < count; ++k)
    for (int64_t c = 0; c < r.channels; ++c)
      sums[k * r.width + c] = means[k * r.channels + c] * r.values_per_group();
}

}  // namespace gantry::cpu
