// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/replay.h"
#include "models/network.h"

namespace gantry::testing {

using Vec = std::vector<double>;
using Vecs = std::vector<Vec>;

// The double-precision backend, and the CPU's.
Backend& reference();
Backend& cpu();

Vec random_values(int64_t size, uint64_t seed, double scale = 1);
double dot(const Vec& a, const Vec& b);
// |a - b| / max(|a|, |b|) in the Euclidean norm; 0 for two zeros.
double relative_error(const Vec& a, const Vec& b);

// One network on one backend, with its passes recorded and ready to be run on other numbers.
class NetworkRig {
 public:
  NetworkRig(Backend& backend, const std::string& json, std::vector<NamedShape> inputs, int64_t n,
             const ForwardOptions& options = {}, bool merge = true);

  // The n samples are this rank's of a batch that ranks share; to be called before any pass.
  void share(Communicator& ranks) { sharing_ = &ranks; }

  struct FirstOrder {
    Vecs y, dx;
    Vec dw;  // the flat gradient, gaps included
  };
  // Forward, then backward of dy. accumulate: dw is added to what the gradient buffer holds.
  FirstOrder first_order(const Vecs& x, const Vecs& dy, bool accumulate = false);

  struct SecondOrder {
    Vecs dx, uy;
    Vec dw;  // of double_backward alone
  };
  // Forward, backward of dy (data only), double_backward of ux.
  SecondOrder second_order(const Vecs& x, const Vecs& dy, const Vecs& ux);

  Vecs inference(const Vecs& x);

  Vec params() const { return read(store_.values()); }
  void set_params(const Vec& values) { write(store_.values(), values); }
  Vec states() const { return read(store_.state_values()); }
  void set_states(const Vec& values) { write(store_.state_values(), values); }
  void set_grads(const Vec& values) { write(store_.grads(), values); }
  void set_step(int64_t step);

  const Network& network() const { return network_; }
  const ParamStore& store() const { return store_; }
  int64_t samples() const { return n_; }
  // Random numbers shaped like the network's inputs and outputs.
  Vecs random_inputs(uint64_t seed, double scale = 1) const;
  Vecs random_outputs(uint64_t seed) const;

 private:
  struct Recording {
    Program program;
    std::unique_ptr<Replay> replay;
  };
  Recorder recorder(Program& program);
  TensorRefs import(Program& program, const std::vector<Tensor>& tensors);
  void keep(Recorder& recorder, const TensorRefs& refs, const std::vector<Tensor>& tensors);
  Replay finish(Program program);
  std::vector<Tensor> make_tensors(const std::vector<NamedShape>& shapes);
  Vec read(const TensorView& view) const;
  void write(const TensorView& view, const Vec& values) const;
  void write(const std::vector<Tensor>& tensors, const Vecs& values) const;
  Vecs read(const std::vector<Tensor>& tensors) const;

  Backend& backend_;
  std::unique_ptr<Stream> stream_;
  std::vector<NamedShape> inputs_;
  int64_t n_;
  ForwardOptions options_;
  Communicator* sharing_ = nullptr;
  Network network_;
  ParamStore store_;
  Tensor step_;
  std::vector<Tensor> x_, dy_, ux_, y_, dx_, uy_;
  std::unique_ptr<Replay> first_, first_accumulate_, second_, inference_;
};

}  // namespace gantry::testing
