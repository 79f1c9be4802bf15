// SPDX-License-Identifier: Apache-2.0
#include "models/network.h"

#include "core/host_parallel.h"
#include "models/network_builder.h"

namespace gantry {

namespace {

uint32_t fnv1a(const std::string& text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

template <typename Info>
std::vector<ParamRange> ranges_of(const std::vector<Info>& infos) {
  std::vector<std::pair<std::string, Shape>> tensors;
  tensors.reserve(infos.size());
  for (const Info& info : infos) tensors.emplace_back(info.name, info.shape);
  return lay_out(tensors);
}

void copy_to(Device& device, Stream& stream, const TensorView& to, const std::vector<float>& from) {
  if (to.dtype == DType::kF64) {
    const std::vector<double> wide(from.begin(), from.end());
    device.copy_to_device(stream, to.data, wide.data(), wide.size() * sizeof(double));
  } else {
    GANTRY_CHECK(to.dtype == DType::kF32, "parameters are ", dtype_name(to.dtype));
    device.copy_to_device(stream, to.data, from.data(), from.size() * sizeof(float));
  }
  stream.synchronize();
}

}  // namespace

Network::Network(std::string name, const std::string& where, NetworkConfig config,
                 std::vector<NamedShape> inputs) {
  auto impl = std::make_shared<Impl>();
  impl->name = std::move(name);
  impl->config = std::move(config);
  impl->inputs = std::move(inputs);
  build_network(*impl, where);
  impl_ = std::move(impl);
}

uint32_t Network::Impl::random_id(const std::string& part) const {
  return fnv1a(name + "." + part);
}

const std::string& Network::name() const { return impl_->name; }

const std::vector<NamedShape>& Network::inputs() const { return impl_->inputs; }

std::vector<NamedShape> Network::outputs() const {
  std::vector<NamedShape> outputs;
  for (const int node : impl_->outputs) {
    const Node& source = impl_->nodes[static_cast<size_t>(node)];
    outputs.push_back({source.name, source.y});
  }
  return outputs;
}

ParamStore Network::make_store(Device& device, DType real, DType narrow) const {
  return ParamStore(impl_->name, device, real, narrow, ranges_of(impl_->params),
                    ranges_of(impl_->states));
}

void Network::initialize(Device& device, Stream& stream, ParamStore& store, uint64_t seed) const {
  std::vector<float> values(static_cast<size_t>(store.values().shape.elements()), 0.0f);
  std::vector<float> states(static_cast<size_t>(store.state_values().shape.elements()), 0.0f);
  for (size_t i = 0; i < impl_->states.size(); ++i) {
    float* first = states.data() + store.states()[i].first;
    std::fill(first, first + impl_->states[i].shape.elements(), impl_->states[i].initial);
  }
  host_parallel(impl_->params.size(), [&](size_t i) {
    const ParamInfo& param = impl_->params[i];
    float* w = values.data() + store.params()[i].first;
    const uint32_t id = impl_->random_id(param.name);
    gantry::initialize(param.init, param.shape, param.fans, seed, id, w);
    if (param.u_state < 0) return;
    float* u = states.data() + store.states()[static_cast<size_t>(param.u_state)].first;
    initialize_spectral_norm(w, param.shape, seed, id, u);
  });
  copy_to(device, stream, store.values(), values);
  copy_to(device, stream, store.state_values(), states);
}

bool Network::needs_reference() const {
  for (const Node& node : impl_->nodes) {
    if (node.layer->needs_reference()) return true;
  }
  return false;
}

bool Network::mixes_samples() const {
  for (const Node& node : impl_->nodes) {
    if (node.layer->mixes_samples()) return true;
  }
  return false;
}

const std::vector<Network::Node>& Network::nodes() const { return impl_->nodes; }

const NetworkConfig& Network::config() const { return impl_->config; }

}  // namespace gantry
