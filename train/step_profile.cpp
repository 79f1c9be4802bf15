// SPDX-License-Identifier: Apache-2.0
#include "train/step_profile.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>

namespace gantry {
namespace {

// Marks between the calls of a replay.
class CallMarks : public ReplayWatcher {
 public:
  explicit CallMarks(StreamMarks& marks) : marks_(marks) {}
  bool looks_at_values() const override { return false; }
  void before(size_t index, const Call&, std::span<const TensorView>) override {
    if (index == 0) marks_.set(0);
  }
  void after(size_t index, const Call&, std::span<const TensorView>) override {
    marks_.set(index + 1);
  }

 private:
  StreamMarks& marks_;
};

// One program's calls and the time that each took so far.
class TimedReplay {
 public:
  TimedReplay(const Replay& replay, Stream& stream)
      : replay_(replay),
        stream_(stream),
        marks_(stream.make_marks(calls() + 1)),
        seconds_(calls(), 0) {}

  // The first run is queued: whatever is made at first use is made then. Where the stream can
  // record, later ones are recordings, marks and all, and only they count.
  void run() {
    if (steps_++ == 1) {
      recording_ = stream_.record([this] { queue(); });
      if (recording_) forget();
    }
    recording_ ? recording_->run() : queue();
    stream_.synchronize();
    for (size_t i = 0; i < calls(); ++i) seconds_[i] += marks_->seconds(i, i + 1);
    ++timed_;
  }

  // Of one call over all steps of this kind.
  Cost cost(size_t index, const DeviceLimits& limits) const {
    const Call& call = replay_.program().calls()[index];
    const auto steps = static_cast<double>(steps_);
    const double flops = call.kernel->flops(), bytes = call.bytes();
    const double floor = std::max(flops / limits.flops_per_s, bytes / limits.bytes_per_s);
    return {call.name,     steps,         steps * seconds_[index] / static_cast<double>(timed_),
            steps * flops, steps * bytes, steps * floor};
  }
  const std::string& op(size_t index) const {
    return replay_.program().calls()[index].kernel->op();
  }
  size_t calls() const { return replay_.program().calls().size(); }

 private:
  void forget() {
    std::fill(seconds_.begin(), seconds_.end(), 0);
    timed_ = 0;
  }

  void queue() {
    CallMarks watcher(*marks_);
    replay_.run(stream_, watcher);
  }

  const Replay& replay_;
  Stream& stream_;
  std::unique_ptr<StreamMarks> marks_;
  std::unique_ptr<Recording> recording_;
  std::vector<double> seconds_;
  int64_t steps_ = 0, timed_ = 0;
};

// Sums of costs under names, in the order in which the names came.
class Table {
 public:
  void add(const std::string& name, const Cost& cost) {
    const auto [place, added] = places_.emplace(name, rows_.size());
    if (added) rows_.push_back({.name = name});
    Cost& row = rows_[place->second];
    row.calls += cost.calls;
    row.seconds += cost.seconds;
    row.flops += cost.flops;
    row.bytes += cost.bytes;
    row.floor_s += cost.floor_s;
  }
  std::vector<Cost> per_step(int64_t steps) const {
    std::vector<Cost> rows = rows_;
    const double share = 1.0 / static_cast<double>(steps);
    for (Cost& row : rows) {
      for (double* value : {&row.calls, &row.seconds, &row.flops, &row.bytes, &row.floor_s}) {
        *value *= share;
      }
    }
    return rows;
  }

 private:
  std::map<std::string, size_t> places_;
  std::vector<Cost> rows_;
};

std::vector<Cost> longest_first(std::vector<Cost> rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Cost& a, const Cost& b) { return a.seconds > b.seconds; });
  return rows;
}

// "d1", "m12": an update or a micro-batch.
bool is_numbered(const std::string& part) {
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  return part.size() > 1 && !digit(static_cast<unsigned char>(part[0])) &&
         std::all_of(part.begin() + 1, part.end(), digit);
}

bool has_layer(const System& system, const std::string& network, const std::string& layer) {
  for (const auto& player : system.players) {
    if (player->name != network) continue;
    for (const Network::Node& node : player->network.nodes()) {
      if (node.name == layer) return true;
    }
  }
  return false;
}

}  // namespace

std::string layer_of_call(const System& system, const std::string& call) {
  std::vector<std::string> parts;
  std::istringstream name(call);
  for (std::string part; std::getline(name, part, '.');) parts.push_back(part);
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (has_layer(system, parts[i], parts[i + 1])) return parts[i] + "." + parts[i + 1];
  }
  size_t first = 0;
  while (first + 1 < parts.size() && is_numbered(parts[first])) ++first;
  const std::string owner = first > 0 ? parts[0].substr(0, 1) + "." : "";
  return parts[first] == "optimizer" ? owner + parts[first] : parts[first];
}

StepProfile profile_steps(Session& session, int64_t steps, const DeviceLimits& limits) {
  std::map<const Replay*, TimedReplay> replays;
  for (int64_t i = 0; i < steps; ++i) {
    session.step([&](const Replay& replay) {
      replays.try_emplace(&replay, replay, session.stream()).first->second.run();
    });
  }
  StepProfile profile;
  profile.steps = steps;
  Table calls, ops, layers;
  for (const Session::Variant& variant : session.variants()) {
    const auto found = replays.find(variant.replay.get());
    if (found == replays.end()) continue;
    const TimedReplay& replay = found->second;
    for (size_t i = 0; i < replay.calls(); ++i) {
      const Cost cost = replay.cost(i, limits);
      profile.seconds += cost.seconds / static_cast<double>(steps);
      calls.add(cost.name, cost);
      ops.add(replay.op(i), cost);
      layers.add(layer_of_call(session.system(), cost.name), cost);
    }
  }
  profile.calls = calls.per_step(steps);
  profile.ops = longest_first(ops.per_step(steps));
  profile.layers = longest_first(layers.per_step(steps));
  return profile;
}

}  // namespace gantry
