// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/program.h"
#include "models/layer.h"

namespace gantry {

// The scalars that a step leaves behind, in device memory: what each slot held after the last step
// that wrote it, and since the host last looked the sum of what it held and how often it was
// written. The host looks once per logging interval.
// A name may have several slots (several critic steps, micro-batches, variants of the step); they
// are averaged over all writes.
class MetricSlots {
 public:
  MetricSlots(Device& device, DType real);

  // A program whose slots follow is about to be recorded; they count from 0.
  void begin_program() { begins_.push_back(names_.size()); }
  // A new slot of this program. The kernel that gets it writes one element; what is reported is
  // `weight` times that.
  TensorRef slot(Program& program, const std::string& name, double weight = 1);
  // So many exist. From repeat_from(k) on, slot() hands slots k, k + 1, ... out again, to be asked
  // for in the same order: the next shard of a batch leaves what the first one left.
  size_t slots() const { return next_; }
  void repeat_from(size_t slot) { next_ = slot; }
  // Slots from that one on, as one range of the program; empty if there are none.
  TensorRef since(Program& program, size_t slot) const;
  // Appends the calls that add this program's values to the sums; its last metrics calls. `ranks`:
  // with whom they are averaged first, and agreed on when to stop; null where a batch is one shard.
  // Returns the values.
  TensorRef record_sum(Recorder& recorder, Communicator* ranks);

  // Asks all ranks to stop. The request travels with the metrics of the next step, so that all see
  // it after the same one; `program` is the one that ran last.
  void request_stop(Device& device, Stream& stream);
  bool stop_requested(Device& device, Stream& stream, size_t program) const;

  // What the slots of a program hold, by name: the values of the last step if it ran that one.
  std::map<std::string, double> latest(Device& device, Stream& stream, size_t program) const;
  // Means since the last start_interval(); names that nothing has written since are left out.
  std::map<std::string, double> means(Device& device, Stream& stream) const;
  void start_interval(Device& device, Stream& stream);

  const std::vector<std::string>& names() const { return names_; }  // of the slots, repeated
  TensorView sums() const { return sums_.view(); }
  TensorView counts() const { return counts_.view(); }

 private:
  // Of slots first, first + 1, ...
  std::map<std::string, double> averaged(size_t first, const std::vector<double>& values,
                                         const std::vector<double>& counts) const;
  TensorView part(const Tensor& all, size_t first, size_t end) const;

  size_t end_of(size_t program) const;

  Tensor latest_, sums_, counts_, stop_;
  size_t next_ = 0;                 // slot to hand out
  std::vector<size_t> begins_;      // first slot of each program
  std::vector<std::string> names_;  // empty: no metric, the stop request
  std::vector<double> weights_;
};

}  // namespace gantry
