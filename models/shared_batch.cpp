// SPDX-License-Identifier: Apache-2.0
#include "models/shared_batch.h"

namespace gantry {
namespace {

void record_sum(Recorder& recorder, const TensorRef& x, double scale, const std::string& what) {
  Program& program = recorder.program;
  const AllReduceDesc desc{.size = x.shape.elements(),
                           .dtype = x.dtype,
                           .scale = scale,
                           .what = concat(program.prefix(), what),
                           .fixed_order = false};
  program.call("all_reduce", recorder.sharing->all_reduce(desc), {}, {}, {x});
}

}  // namespace

int64_t ranks_sharing(const Recorder& recorder) {
  return recorder.sharing ? recorder.sharing->size() : 1;
}

TensorRef of_all_ranks(Recorder& recorder, const std::string& name, const TensorRef& x,
                       int64_t groups) {
  if (!recorder.sharing) return x;
  const int64_t ranks = ranks_sharing(recorder), rank = recorder.sharing->rank();
  const int64_t count = x.shape.n / groups;
  const TensorRef all = recorder.temp(name + "_of_all", x.shape.with_n(ranks * x.shape.n));
  recorder.program.call("clear", recorder.kernels.sum({.y = all.shape}), {all}, {});
  const SumDesc copy{.y = x.shape.with_n(count), .scale = {1.0f}};
  for (int64_t group = 0; group < groups; ++group) {
    recorder.program.call("place", recorder.kernels.sum(copy),
                          {all.samples((group * ranks + rank) * count, count)},
                          {x.samples(group * count, count)});
  }
  record_sum(recorder, all, 1, name);
  return all;
}

TensorRef own_rows(const Recorder& recorder, const TensorRef& all) {
  if (!recorder.sharing) return all;
  const int64_t count = all.shape.n / ranks_sharing(recorder);
  return all.samples(recorder.sharing->rank() * count, count);
}

void average_over_ranks(Recorder& recorder, const TensorRef& x, const std::string& what) {
  if (!recorder.sharing) return;
  record_sum(recorder, x, 1.0 / static_cast<double>(ranks_sharing(recorder)), what);
}

}  // namespace gantry
