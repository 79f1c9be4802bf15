// SPDX-License-Identifier: Apache-2.0
#include "tests/models/network_rig.h"

#include <cmath>
#include <random>

#include "tests/models/json_reader.h"
#include "tests/reference/reference_backend.h"

namespace gantry::testing {

namespace {

NetworkConfig config_of(const std::string& json, bool merge) {
  NetworkConfig config = read_network(json);
  config.merge_activations = merge;
  return config;
}

}  // namespace

Backend& reference() {
  static Backend backend = open_reference_backend();
  return backend;
}

Backend& cpu() {
  static Backend backend = open_backend(BackendChoice::kCpu, 2);
  return backend;
}

Vec random_values(int64_t size, uint64_t seed, double scale) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal(0, scale);
  Vec values(static_cast<size_t>(size));
  for (double& value : values) value = normal(engine);
  return values;
}

double dot(const Vec& a, const Vec& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double relative_error(const Vec& a, const Vec& b) {
  Vec difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b.at(i);
  const double scale = std::max(dot(a, a), dot(b, b));
  return scale == 0 ? 0 : std::sqrt(dot(difference, difference) / scale);
}

NetworkRig::NetworkRig(Backend& backend, const std::string& json, std::vector<NamedShape> inputs,
                       int64_t n, const ForwardOptions& options, bool merge)
    : backend_(backend),
      stream_(backend.device->make_stream()),
      inputs_(std::move(inputs)),
      n_(n),
      options_(options),
      network_("net", "/generator", config_of(json, merge), inputs_),
      store_(
          network_.make_store(*backend.device, backend.kernels->real(), backend.kernels->real())),
      step_(*backend.device, vector_shape(1), DType::kI64),
      x_(make_tensors(inputs_)),
      dy_(make_tensors(network_.outputs())),
      ux_(make_tensors(inputs_)),
      y_(make_tensors(network_.outputs())),
      dx_(make_tensors(inputs_)),
      uy_(make_tensors(network_.outputs())) {
  network_.initialize(*backend.device, *stream_, store_, 1);
}

NetworkRig::FirstOrder NetworkRig::first_order(const Vecs& x, const Vecs& dy, bool accumulate) {
  std::unique_ptr<Replay>& replay = accumulate ? first_accumulate_ : first_;
  if (!replay) {
    Program program;
    Recorder rec = recorder(program);
    NetworkPass pass = network_.forward(rec, store_, store_.values(), store_.state_values(),
                                        import(program, x_), options_);
    keep(rec, pass.outputs, y_);
    BackwardOptions options;
    options.want_dx = true;
    options.accumulate = accumulate;
    keep(rec, network_.backward(rec, store_, pass, import(program, dy_), options), dx_);
    replay = std::make_unique<Replay>(finish(std::move(program)));
  }
  write(x_, x);
  write(dy_, dy);
  replay->run(*stream_);
  stream_->synchronize();
  return {read(y_), read(dx_), read(store_.grads())};
}

NetworkRig::SecondOrder NetworkRig::second_order(const Vecs& x, const Vecs& dy, const Vecs& ux) {
  if (!second_) {
    Program program;
    Recorder rec = recorder(program);
    NetworkPass pass = network_.forward(rec, store_, store_.values(), store_.state_values(),
                                        import(program, x_), options_);
    BackwardOptions options;
    options.want_dx = true;
    options.want_dw = false;
    options.keep_deltas = true;
    keep(rec, network_.backward(rec, store_, pass, import(program, dy_), options), dx_);
    keep(rec, network_.double_backward(rec, store_, pass, import(program, ux_)), uy_);
    second_ = std::make_unique<Replay>(finish(std::move(program)));
  }
  write(x_, x);
  write(dy_, dy);
  write(ux_, ux);
  set_grads(Vec(static_cast<size_t>(store_.grads().shape.elements()), 0.0));
  second_->run(*stream_);
  stream_->synchronize();
  return {read(dx_), read(uy_), read(store_.grads())};
}

Vecs NetworkRig::inference(const Vecs& x) {
  if (!inference_) {
    Program program;
    Recorder rec = recorder(program);
    ForwardOptions options = options_;
    options.mode = Mode::kInference;
    NetworkPass pass = network_.forward(rec, store_, store_.values(), store_.state_values(),
                                        import(program, x_), options);
    keep(rec, pass.outputs, y_);
    inference_ = std::make_unique<Replay>(finish(std::move(program)));
  }
  write(x_, x);
  inference_->run(*stream_);
  stream_->synchronize();
  return read(y_);
}

void NetworkRig::set_step(int64_t step) {
  backend_.device->copy_to_device(*stream_, step_.view().data, &step, sizeof(step));
  stream_->synchronize();
}

Vecs NetworkRig::random_inputs(uint64_t seed, double scale) const {
  Vecs values;
  for (const Tensor& tensor : x_) {
    values.push_back(random_values(tensor.shape().elements(), seed++, scale));
  }
  return values;
}

Vecs NetworkRig::random_outputs(uint64_t seed) const {
  Vecs values;
  for (const Tensor& tensor : y_) {
    values.push_back(random_values(tensor.shape().elements(), 1000 + seed++));
  }
  return values;
}

Recorder NetworkRig::recorder(Program& program) {
  return {.program = program,
          .kernels = *backend_.kernels,
          .step = program.external("step", step_.view()),
          .seed = 7,
          .sharing = sharing_,
          .sync_batch_norm = sharing_ != nullptr};
}

TensorRefs NetworkRig::import(Program& program, const std::vector<Tensor>& tensors) {
  TensorRefs refs;
  for (const Tensor& tensor : tensors) refs.push_back(program.external("given", tensor.view()));
  return refs;
}

void NetworkRig::keep(Recorder& rec, const TensorRefs& refs, const std::vector<Tensor>& tensors) {
  for (size_t i = 0; i < refs.size(); ++i) {
    const TensorRef to = rec.program.external("kept", tensors[i].view());
    const bool zero = !refs[i];
    const SumDesc desc{to.shape, zero ? std::vector<float>{} : std::vector<float>{1}, false};
    rec.program.call("keep", rec.kernels.sum(desc), {to},
                     zero ? TensorRefs{} : TensorRefs{refs[i]});
  }
}

Replay NetworkRig::finish(Program program) {
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*backend_.device, plan.arena_bytes);
  return Replay(std::move(program), std::move(plan), std::move(arena));
}

std::vector<Tensor> NetworkRig::make_tensors(const std::vector<NamedShape>& shapes) {
  std::vector<Tensor> tensors;
  for (const NamedShape& named : shapes) {
    tensors.emplace_back(*backend_.device, named.shape.with_n(n_), backend_.kernels->real());
  }
  return tensors;
}

Vec NetworkRig::read(const TensorView& view) const {
  Vec values(static_cast<size_t>(view.shape.elements()));
  if (view.dtype == DType::kF64) {
    backend_.device->copy_to_host(*stream_, values.data(), view.data, view.bytes());
    stream_->synchronize();
    return values;
  }
  std::vector<float> narrow(values.size());
  backend_.device->copy_to_host(*stream_, narrow.data(), view.data, view.bytes());
  stream_->synchronize();
  return {narrow.begin(), narrow.end()};
}

void NetworkRig::write(const TensorView& view, const Vec& values) const {
  GANTRY_CHECK(static_cast<int64_t>(values.size()) == view.shape.elements(), values.size());
  const std::vector<float> narrow(values.begin(), values.end());
  const void* from = view.dtype == DType::kF64 ? static_cast<const void*>(values.data())
                                               : static_cast<const void*>(narrow.data());
  backend_.device->copy_to_device(*stream_, view.data, from, view.bytes());
  stream_->synchronize();
}

void NetworkRig::write(const std::vector<Tensor>& tensors, const Vecs& values) const {
  for (size_t i = 0; i < tensors.size(); ++i) write(tensors[i].view(), values.at(i));
}

Vecs NetworkRig::read(const std::vector<Tensor>& tensors) const {
  Vecs values;
  for (const Tensor& tensor : tensors) values.push_back(read(tensor.view()));
  return values;
}

}  // namespace gantry::testing
