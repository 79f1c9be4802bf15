// SPDX-License-Identifier: Apache-2.0
#include "train/system.h"

#include <algorithm>
#include <array>

#include "core/replay.h"
#include "train/host_copy.h"
#include "train/latents.h"

namespace gantry {
namespace {

// Tells the reference latents from those of updates; part of the reproducibility contract.
constexpr uint32_t kReferenceDraw = 1u << 24;

// "g" + ".conv1.weight": the ranges of one flat buffer.
void append_ranges(std::vector<System::StateTensor>& list, const std::string& prefix,
                   const std::vector<ParamRange>& ranges, const TensorView& flat) {
  for (const ParamRange& range : ranges) {
    auto* data =
        static_cast<char*>(flat.data) + static_cast<size_t>(range.first) * dtype_bytes(flat.dtype);
    list.push_back({prefix + range.name, {data, range.shape, flat.dtype}});
  }
}

void append_player(std::vector<System::StateTensor>& list, const Player& player) {
  const ParamStore& store = player.store;
  const Optimizer& optimizer = player.optimizer;
  append_ranges(list, player.name + ".", store.params(), store.values());
  append_ranges(list, player.name + ".", store.states(), store.state_values());
  for (const Optimizer::State& state : optimizer.states()) {
    append_ranges(list, player.name + ".optimizer." + state.name + ".", store.params(), state.view);
  }
  list.push_back({player.name + ".optimizer.updates", optimizer.updates()});
  for (const Optimizer::State& state : optimizer.loss_scale_states()) {
    list.push_back({player.name + ".optimizer." + state.name, state.view});
  }
  if (player.has_reference()) list.push_back({player.name + ".reference", player.reference.view()});
  if (optimizer.has_ema()) {
    append_ranges(list, player.name + ".ema.", store.params(), optimizer.ema());
  }
}

}  // namespace

System::System(RunConfig run_config, const SampleSpec& data_sample, Backend& opened)
    : config(std::move(run_config)),
      backend(opened),
      shards(deal(config, opened.communicator->rank(), opened.communicator->size())),
      sample(data_sample),
      metrics(*opened.device, opened.kernels->real()),
      step(*opened.device, vector_shape(1), DType::kI64),
      position(*opened.device, vector_shape(1), DType::kI64),
      bad_step(*opened.device, vector_shape(1), DType::kI64) {
  for (PlayerConfig* player : config.players()) {
    if (player->present) add_player(*player);
  }
  if (!has("g")) return;
  const Shape made = player("g").network.outputs()[0].shape;
  if (made != sample.shape) {
    throw ConfigError(concat("/generator makes ", to_string(made),
                             " (NxCxHxW) but a sample of /data is ", to_string(sample.shape),
                             "; change the generator's last layers or data.size"));
  }
}

void System::add_player(PlayerConfig& from) {
  Network network(from.name, concat("/", from.section), std::move(from.network), inputs_of(from));
  Device& device = *backend.device;
  const DType real = backend.kernels->real();
  const Kernels* narrow = backend.narrow_kernels.get();
  ParamStore store = network.make_store(device, real, narrow ? narrow->narrow_real() : real);
  const bool averaged = std::string(from.name) == "g" && config.train.ema.decay > 0;
  Optimizer optimizer(device, real, store, from.optimizer, averaged ? &config.train.ema : nullptr);
  Tensor reference;
  if (network.needs_reference()) {
    if (network.inputs().size() > 1) {
      throw ConfigError(concat("/", from.section,
                               "/layers: virtual_batch_norm has no reference batch for the input "
                               "\"label\"; use batch_norm, or remove the input"));
    }
    const Shape input = network.inputs()[0].shape;
    reference = Tensor(device, input.with_n(config.train.reference()), real);
  }
  players.push_back(std::make_unique<Player>(Player{from.name, std::move(network), std::move(store),
                                                    std::move(optimizer), std::move(reference)}));
}

std::vector<NamedShape> System::inputs_of(const PlayerConfig& from) const {
  const std::string name = from.name;
  const NamedShape main = name == "g"
                              ? NamedShape{"z", latent_shape(1)}
                              : NamedShape{"x", name == "d" ? judged_shape() : sample.shape};
  if (from.network.inputs.empty()) return {main};
  std::vector<NamedShape> inputs;
  for (size_t i = 0; i < from.network.inputs.size(); ++i) {
    if (from.network.inputs[i] == kLabelInput && sample.classes == 0) {
      throw ConfigError(concat("/", from.section, "/inputs/", i,
                               ": \"label\": the samples of /data have no labels; use labelled "
                               "data (data.labels), or remove this input"));
    }
    const bool label = from.network.inputs[i] == kLabelInput;
    inputs.push_back(label ? NamedShape{kLabelInput, {1, sample.classes, 1, 1}, true} : main);
  }
  return inputs;
}

bool Player::takes_label() const {
  const std::vector<NamedShape>& inputs = network.inputs();
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const NamedShape& input) { return input.name == kLabelInput; });
}

size_t Player::main_input() const { return network.inputs()[0].name == kLabelInput ? 1 : 0; }

TensorRefs Player::inputs(Recorder& recorder, const TensorRef& x, const TensorRef& label) const {
  TensorRefs refs;
  for (const NamedShape& input : network.inputs()) {
    refs.push_back(x);
    if (input.name != kLabelInput) continue;
    const Shape shape = input.shape.with_n(x.shape.n);
    refs.back() = recorder.temp("label", shape);
    recorder.program.call("label", recorder.kernels.one_hot({shape.n, shape.c}), {refs.back()},
                          {label});
  }
  return refs;
}

bool System::has(const std::string& name) const {
  return std::any_of(players.begin(), players.end(),
                     [&](const auto& player) { return player->name == name; });
}

Player& System::player(const std::string& name) {
  return const_cast<Player&>(std::as_const(*this).player(name));
}

const Player& System::player(const std::string& name) const {
  for (const auto& player : players) {
    if (player->name == name) return *player;
  }
  GANTRY_CHECK(false, "no player is called ", name);
}

void System::make_room_for_real(int64_t batches) {
  const int64_t n = batches * shards.local(config.train.batch);
  const DType real = backend.kernels->real();
  real_data = Tensor(*backend.device, sample.shape.with_n(n), real);
  if (sample.classes > 0) real_labels = Tensor(*backend.device, {n, 1, 1, 1}, real);
}

TensorView System::keep(const std::string& name, const Shape& shape, double initial) {
  kept_.push_back(std::make_unique<Kept>(
      Kept{name, Tensor(*backend.device, shape, backend.kernels->real()), initial}));
  return kept_.back()->tensor.view();
}

TensorView System::kept(const std::string& name) const {
  for (const auto& kept : kept_) {
    if (kept->name == name) return kept->tensor.view();
  }
  GANTRY_CHECK(false, "nothing is kept as ", name);
}

void System::initialize(Stream& stream) {
  uint64_t network_seed = seed();
  for (const auto& player : players) {
    player->network.initialize(*backend.device, stream, player->store, network_seed++);
    player->optimizer.start(*backend.device, stream, player->store);
  }
  if (has("g") && player("g").has_reference()) draw_reference(stream);
  for (const auto& kept : kept_) {
    const std::vector<float> values(static_cast<size_t>(kept->tensor.shape().elements()),
                                    static_cast<float>(kept->initial));
    write_reals(*backend.device, stream, kept->tensor.view(), values);
  }
  narrow_weights(stream);
}

void System::narrow_weights(Stream& stream) {
  for (const auto& player : players) {
    const TensorView narrow = player->store.narrow_values();
    if (!narrow.data) continue;
    const KernelPtr cast = backend.kernels->cast({.size = narrow.shape.elements()});
    cast->run(stream, std::array{narrow, player->store.values()}, nullptr);
  }
  stream.synchronize();
}

// G's reference latents are there before the first step, for the samples that are drawn then.
void System::draw_reference(Stream& stream) {
  Program program;
  Recorder recorder{program, *backend.kernels, program.external("step", step.view()), seed(), 0};
  const TensorRef to = player("g").reference_refs(program)[0];
  const LatentKeys keys{.seed = seed(), .id = kReferenceDraw};
  const TensorRef z = record_latents(recorder, config.latent, to.shape.n, keys).z;
  program.call("copy", recorder.kernels.sum({.y = to.shape, .scale = {1.0f}}), {to}, {z});
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*backend.device, plan.arena_bytes);
  Replay(std::move(program), std::move(plan), std::move(arena)).run(stream);
  stream.synchronize();
}

std::vector<System::StateTensor> System::state() const {
  std::vector<StateTensor> list;
  for (const auto& player : players) append_player(list, *player);
  for (const auto& kept : kept_) list.push_back({kept->name, kept->tensor.view()});
  list.push_back({"metrics.sums", metrics.sums()});
  list.push_back({"metrics.counts", metrics.counts()});
  list.push_back({"step", step.view()});
  return list;
}

// Shards of exact mode are batches of their own: those of one rank are computed one after the
// other.
Recorder System::recorder(Program& program) const {
  const bool shared = backend.communicator->size() > 1 && config.distributed.virtual_ranks == 0;
  return {.program = program,
          .kernels = *backend.kernels,
          .step = program.external("step", step.view()),
          .seed = seed(),
          .sharing = shared ? backend.communicator.get() : nullptr,
          .sync_batch_norm = config.distributed.sync_batch_norm,
          .narrow = backend.narrow_kernels.get()};
}

Shape System::latent_shape(int64_t n) const { return {n, config.latent.width(), 1, 1}; }

Shape System::judged_shape() const {
  Shape judged = sample.shape;
  judged.c *= config.objective.packing;
  return judged;
}

int64_t System::classes_of_samples() const {
  return has("g") && player("g").takes_label() ? sample.classes : 0;
}

std::vector<float> System::labels_by_column(int64_t count, int64_t columns) const {
  std::vector<float> labels;
  const int64_t classes = classes_of_samples();
  for (int64_t i = 0; i < count && classes > 0; ++i) {
    labels.push_back(static_cast<float>(i % columns % classes));
  }
  return labels;
}

void record_start(System& system, Recorder& recorder, int64_t real_batches) {
  if (!system.resident) return;
  const int64_t n = real_batches * system.config.train.batch;
  Program& program = recorder.program;
  TensorRef labels{};
  if (system.sample.classes > 0)
    labels = program.external("labels", system.real_labels.view()).samples(0, n);
  system.resident->record(recorder, program.external("position", system.position.view()),
                          program.external("real", system.real_data.view()).samples(0, n), labels);
}

void record_end(System& system, Recorder& recorder, int64_t real_batches) {
  const TensorRef values = system.metrics.record_sum(
      recorder, system.shards.count > 1 ? system.backend.communicator.get() : nullptr);
  Program& program = recorder.program;
  const AdvanceDesc desc{.values = values.shape.elements(),
                         .samples = real_batches * system.config.train.batch};
  program.call("advance", recorder.kernels.advance(desc), {}, {values},
               {recorder.step, program.external("position", system.position.view()),
                program.external("bad_step", system.bad_step.view())});
}

Program record_sampling(System& system, bool use_ema, const TensorView& latents,
                        const TensorView& labels, const TensorView& images) {
  Program program;
  const Program::Scope scope(program, "sample");
  Recorder recorder{program, *system.backend.kernels, program.external("step", system.step.view()),
                    system.seed(), 0};
  const TensorRef z = program.external("latents", latents);
  const Player& g = system.player("g");
  const TensorRef label = g.takes_label() ? program.external("labels", labels) : TensorRef{};
  const ForwardOptions options{
      .mode = Mode::kInference, .track = false, .reference = g.reference_refs(program)};
  const NetworkPass pass =
      g.network.forward(recorder, g.store, use_ema ? g.optimizer.ema() : g.store.values(),
                        g.store.state_values(), g.inputs(recorder, z, label), options);
  program.call("copy", recorder.kernels.sum({.y = images.shape, .scale = {1.0f}}),
               {program.external("images", images)}, {pass.outputs[0]});
  return program;
}

}  // namespace gantry
