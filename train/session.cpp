// SPDX-License-Identifier: Apache-2.0
#include "train/session.h"

#include <algorithm>
#include <cstring>
#include <iomanip>

#include "train/data/labelled.h"
#include "train/host_copy.h"
#include "train/system_state.h"

namespace gantry {
namespace {

double mib(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

size_t needed(const MemoryPlan& plan, Allocator allocator) {
  return allocator == Allocator::kArena ? plan.arena_bytes : plan.apart_bytes;
}

// What is kept over steps has its memory already.
void require_memory(const Program& program, const MemoryPlan& plan, size_t bytes,
                    const Device& device) {
  const size_t all = device.memory_bytes(), left = device.available_bytes();
  if (bytes <= left && bytes + plan.external_bytes <= all) return;
  const std::string used = left < all ? concat(", ", mib(left), " MiB of it free") : "";
  throw MemoryError(concat(
      "the step needs ", mib(bytes + plan.external_bytes), " MiB, ", mib(plan.external_bytes),
      " MiB of it kept over steps, and ", device.name(), " has ", mib(all), " MiB", used,
      "; a smaller train.batch, or a larger train.accumulate, shrinks it; on a GPU "
      "data.on_device=false makes room. "
      "What takes the room:\n",
      describe_memory(program, plan)));
}

std::vector<Session::Variant> make_variants(System& system, TrainingStep& training,
                                            Allocator allocator) {
  Device& device = *system.backend.device;
  std::vector<RecordedStep> steps;
  std::vector<MemoryPlan> plans;
  size_t most = 0, sum = 0;
  for (size_t i = 0; i < training.variants(); ++i) {
    system.metrics.begin_program();
    steps.push_back(training.record(i));
    plans.push_back(plan_memory(steps.back().program));
    const size_t bytes = needed(plans.back(), allocator);
    most = std::max(most, bytes);
    sum += bytes;
    require_memory(steps.back().program, plans.back(), allocator == Allocator::kArena ? bytes : sum,
                   device);
  }
  // One step runs at a time: an arena for the largest serves all.
  std::shared_ptr<Memory> arena;
  if (allocator == Allocator::kArena) arena = std::make_shared<Memory>(device, most);
  std::vector<Session::Variant> variants;
  for (size_t i = 0; i < steps.size(); ++i) {
    Program program = steps[i].program;
    auto replay = arena ? std::make_unique<Replay>(std::move(program), std::move(plans[i]), arena)
                        : std::make_unique<Replay>(std::move(program), std::move(plans[i]), device);
    variants.push_back({std::move(steps[i]), std::move(replay)});
  }
  return variants;
}

int64_t most_real_batches(const TrainingStep& training) {
  int64_t most = 0;
  for (size_t i = 0; i < training.variants(); ++i) {
    most = std::max(most, training.real_batches(i));
  }
  return most;
}

SampleSpec spec_of(const DataInfo& info) { return {info.sample, info.classes}; }

void require_best_metric(const System& system) {
  const std::string& wanted = system.config.train.best_metric;
  if (wanted.empty() || wanted == kDiscriminatorLoss) return;
  std::string known = kDiscriminatorLoss;
  for (const std::string& name : system.metrics.names()) {
    if (name == wanted) return;
    if (name.empty()) continue;
    if ((known + ",").find(", " + name + ",") != std::string::npos) continue;  // of a variant
    known += ", " + name;
  }
  throw ConfigError(
      concat("/train/best_metric: no metric is called \"", wanted, "\"; this run has ", known));
}

}  // namespace

Session::Session(RunConfig config, Backend& backend, std::unique_ptr<DataSource> data,
                 Allocator allocator)
    : data_(std::move(data)),
      stream_(backend.device->make_stream()),
      system_(std::move(config), spec_of(data_->info()), backend),
      training_(make_training_step(system_)) {
  // Of several ranks none reads whole batches.
  if (system_.config.data.on_device && backend.communicator->size() == 1)
    system_.resident = ResidentData::make(*data_, *backend.device, *stream_);
  if (system_.config.objective.is_semi_supervised()) {
    const LabelledSubset few =
        first_of_each_class(*data_, system_.config.objective.semi_supervised.labels_per_class);
    system_.labelled =
        std::make_unique<ResidentData>("labelled", few.stored(), *backend.device, *stream_);
  }
  system_.make_room_for_real(most_real_batches(*training_));
  variants_ = make_variants(system_, *training_, allocator);
  require_best_metric(system_);
}

void Session::initialize() {
  system_.initialize(*stream_);
  for (const auto& player : system_.players) {
    if (player->has_reference() && player->name != "g") read_reference(*player);
  }
}

// The first samples of the stream: the same ones on every rank.
void Session::read_reference(const Player& player) {
  const TensorView reference = player.reference.view();
  std::vector<float> images(static_cast<size_t>(reference.shape.elements()));
  data_->read(0, reference.shape.n, images.data(), nullptr);
  write_reals(*system_.backend.device, *stream_, reference, images);
}

std::map<std::string, double> Session::latest_metrics() {
  return system_.metrics.latest(*system_.backend.device, *stream_,
                                training_->variant_of(steps_ - 1));
}

bool Session::agree_to_stop(bool wanted) {
  Device& device = *system_.backend.device;
  if (system_.backend.communicator->size() == 1) return wanted;
  if (has_stepped_ &&
      system_.metrics.stop_requested(device, *stream_, training_->variant_of(steps_ - 1))) {
    return true;
  }
  if (wanted) system_.metrics.request_stop(device, *stream_);
  return false;
}

void Session::share_state() {
  Communicator& ranks = *system_.backend.communicator;
  if (ranks.size() == 1) return;
  Device& device = *system_.backend.device;
  ranks.broadcast(&steps_, sizeof(steps_), 0);
  for (const System::StateTensor& tensor : system_.state()) {
    std::vector<char> host(tensor.view.bytes());
    device.copy_to_host(*stream_, host.data(), tensor.view.data, host.size());
    stream_->synchronize();
    ranks.broadcast(host.data(), host.size(), 0);
    device.copy_to_device(*stream_, tensor.view.data, host.data(), host.size());
    stream_->synchronize();
  }
  system_.narrow_weights(*stream_);
  write_position();
}

int64_t Session::samples_per_step() const {
  return training_->real_batches(0) * system_.config.train.batch;
}

Session::~Session() { stop_showing(); }

double Session::shown_step() {
  ProfilerSink& sink = *profiler();
  if (!capturing_) {
    stream_->synchronize();
    sink.start_capture();
    capturing_ = true;
  }
  double waited = 0;
  {
    const ProfilerRange step(&sink, "step");
    {
      const ProfilerRange data(&sink, "data wait");
      waited = load_batches();
    }
    ProfilerWatcher watcher(sink);
    next().replay->run(*stream_, watcher);
  }
  has_stepped_ = true;
  if (++steps_ == shown_.last) {
    stream_->synchronize();
    stop_showing();
  }
  return waited;
}

// Also where steps end before the last that was to be shown.
void Session::stop_showing() {
  if (capturing_) profiler()->stop_capture();
  capturing_ = false;
}

double Session::load_batches() {
  if (system_.resident) return 0;
  if (!prefetcher_) {
    const DataConfig& data = system_.config.data;
    const int64_t batch = system_.config.train.batch;
    prefetcher_ = std::make_unique<Prefetcher>(
        *data_,
        PrefetchOptions{.batch = system_.shards.local(batch),
                        .threads = data.prefetch_threads,
                        .depth = data.prefetch_depth,
                        .first_batch = static_cast<uint64_t>(training_->batches_before(steps_)),
                        .stride = batch,
                        .offset = system_.shards.offset(batch)});
  }
  double waited = 0;
  const int64_t batches = training_->real_batches(training_->variant_of(steps_));
  for (int64_t i = 0; i < batches; ++i) waited += load_batch(i);
  return waited;
}

double Session::load_batch(int64_t place) {
  const Prefetcher::Batch batch = prefetcher_->next();
  const int64_t n = system_.shards.local(system_.config.train.batch);
  const auto write = [&](const Tensor& all, const float* values) {
    TensorView part = all.view();
    part.shape.n = n;
    part.data = static_cast<char*>(part.data) + static_cast<size_t>(place) * part.bytes();
    write_reals(*system_.backend.device, *stream_, part,
                {values, static_cast<size_t>(part.shape.elements())});
  };
  write(system_.real_data, batch.images);
  if (system_.sample.classes > 0) write(system_.real_labels, batch.labels);
  return batch.waited_s;
}

// Steps of one kind that need nothing of the host between them.
int64_t Session::launchable(int64_t most) const {
  const int64_t wanted = system_.config.train.steps_per_launch;
  if (wanted > most || !system_.resident) return 1;
  const size_t variant = training_->variant_of(steps_);
  for (int64_t i = 0; i < wanted; ++i) {
    if (training_->variant_of(steps_ + i) != variant || shown_.contains(steps_ + i + 1)) return 1;
  }
  return wanted;
}

double Session::advance(int64_t most) {
  const int64_t count = launchable(most);
  if (count == 1) return step();
  next().replay->run(*stream_, count);
  steps_ += count;
  has_stepped_ = true;
  return 0;
}

double Session::step() {
  if (profiler() && shown_.contains(steps_ + 1)) return shown_step();
  return step([this](const Replay& replay) { replay.run(*stream_); });
}

double Session::step(ReplayWatcher& watcher) {
  return step([&](const Replay& replay) { replay.run(*stream_, watcher); });
}

double Session::step(const std::function<void(const Replay&)>& run) {
  const double waited = load_batches();
  run(*next().replay);
  ++steps_;
  has_stepped_ = true;
  return waited;
}

Checkpoint Session::checkpoint() {
  Checkpoint checkpoint = checkpoint_of(system_, *stream_);
  checkpoint.step = static_cast<uint64_t>(steps_);
  if (!config_digest_.empty()) checkpoint.meta["config"] = config_digest_;
  if (!earlier_ranks_.empty()) checkpoint.meta[kEarlierRanksKey] = earlier_ranks_;
  return checkpoint;
}

void Session::restore(const Checkpoint& checkpoint, const std::string& place) {
  restore_system(system_, *stream_, checkpoint, place);
  earlier_ranks_ = earlier_ranks(system_, checkpoint);
  has_stepped_ = false;
  steps_ = static_cast<int64_t>(checkpoint.step);
  write_position();
}

int64_t Session::first_bad_step() {
  int64_t step = 0;
  system_.backend.device->copy_to_host(*stream_, &step, system_.bad_step.view().data, sizeof(step));
  stream_->synchronize();
  return step;
}

void Session::return_to(int64_t step) {
  steps_ = step - 1;
  write_position();
}

// All that follows from the number of steps done.
void Session::write_position() {
  const auto write = [this](const Tensor& counter, int64_t value) {
    system_.backend.device->copy_to_device(*stream_, counter.view().data, &value, sizeof(value));
    stream_->synchronize();
  };
  write(system_.step, steps_);
  write(system_.position, training_->batches_before(steps_) * system_.config.train.batch);
  write(system_.bad_step, 0);
  prefetcher_.reset();
}

std::string describe_memory(const Program& program, const MemoryPlan& plan) {
  std::vector<std::pair<size_t, std::string>> rows;
  for (size_t i = 0; i < program.buffers().size(); ++i) {
    const ProgramBuffer& buffer = program.buffers()[i];
    rows.emplace_back(buffer.bytes, concat(buffer.name, buffer.external ? " (kept)" : ""));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  constexpr size_t kRows = 12;
  for (size_t i = 0; i < std::min(kRows, rows.size()); ++i) {
    out << std::setw(10) << mib(rows[i].first) << " MiB  " << rows[i].second << "\n";
  }
  out << std::setw(10) << mib(plan.arena_bytes) << " MiB  arena, " << mib(plan.lower_bound)
      << " MiB alive at once\n"
      << std::setw(10) << mib(plan.external_bytes) << " MiB  kept over steps\n";
  return out.str();
}

}  // namespace gantry
