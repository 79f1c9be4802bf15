// SPDX-License-Identifier: Apache-2.0
#include "train/classifier.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "train/host_copy.h"

namespace gantry {

ValueRange range_of(const System& system) {
  return {system.config.data.range[0], system.config.data.range[1]};
}

const Player* naming_player(const System& system) {
  if (system.has("c")) return &system.player("c");
  return system.config.objective.is_semi_supervised() ? &system.player("d") : nullptr;
}

Classifier::Classifier(System& system, Stream& stream, int64_t batch)
    : system_(system),
      stream_(stream),
      batch_(batch),
      images_(*system.backend.device, system.sample.shape.with_n(batch),
              system.backend.kernels->real()),
      logits_(*system.backend.device, {batch, system.sample.classes, 1, 1},
              system.backend.kernels->real()) {
  Program program;
  Recorder recorder{program, *system.backend.kernels, program.external("step", system.step.view()),
                    system.seed(), 0};
  const Player& c = *naming_player(system);
  const NetworkPass pass = c.network.forward(
      recorder, c.store, c.averaged_values(), c.store.state_values(),
      {program.external("images", images_.view())},
      {.mode = Mode::kInference, .track = false, .reference = c.reference_refs(program)});
  program.call("keep", recorder.kernels.sum({.y = logits_.shape(), .scale = {1.0f}}),
               {program.external("logits", logits_.view())}, {pass.outputs[0]});
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*system.backend.device, plan.arena_bytes);
  replay_ = std::make_unique<Replay>(std::move(program), std::move(plan), std::move(arena));
}

std::vector<double> Classifier::logits(const std::vector<float>& images) {
  const auto size = static_cast<size_t>(sample().elements());
  GANTRY_CHECK(images.size() % size == 0, images.size(), " values for images of ", size);
  const auto batch = static_cast<size_t>(batch_), width = static_cast<size_t>(classes());
  const size_t count = images.size() / size;
  std::vector<double> result;
  std::vector<float> part(batch * size);
  for (size_t first = 0; first < count; first += batch) {
    const size_t now = std::min(batch, count - first);
    std::copy_n(images.begin() + static_cast<ptrdiff_t>(first * size), now * size, part.begin());
    write_reals(*system_.backend.device, stream_, images_.view(), part);
    replay_->run(stream_);
    const std::vector<double> made = read_reals(*system_.backend.device, stream_, logits_.view());
    result.insert(result.end(), made.begin(), made.begin() + static_cast<ptrdiff_t>(now * width));
  }
  return result;
}

std::vector<double> Classifier::logits(std::vector<float> images, const ValueRange& range) {
  const ValueRange own = range_of(system_);
  const double scale = (own.high - own.low) / (range.high - range.low);
  for (float& value : images) {
    value = static_cast<float>(own.low + (static_cast<double>(value) - range.low) * scale);
  }
  return logits(images);
}

std::vector<size_t> Classifier::classes_of(std::vector<float> images, const ValueRange& range) {
  const std::vector<double> answers = logits(std::move(images), range);
  std::vector<size_t> result;
  for (auto first = answers.begin(); first != answers.end(); first += classes()) {
    result.push_back(static_cast<size_t>(std::max_element(first, first + classes()) - first));
  }
  return result;
}

void Verdict::add(const std::vector<double>& logits, const std::vector<float>& wanted) {
  const size_t width = classes();
  GANTRY_CHECK(logits.size() == wanted.size() * width, logits.size(), " logits for ", wanted.size(),
               " samples of ", width, " classes");
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto first = logits.begin() + static_cast<ptrdiff_t>(i * width);
    const auto best = std::max_element(first, first + static_cast<ptrdiff_t>(width));
    const auto target = static_cast<size_t>(wanted[i]);
    double sum = 0;
    for (size_t c = 0; c < width; ++c) sum += std::exp(first[static_cast<ptrdiff_t>(c)] - *best);
    loss_ += std::log(sum) + *best - first[static_cast<ptrdiff_t>(target)];
    ++of_class_.at(target);
    if (static_cast<size_t>(best - first) == target) ++right_[target];
    ++samples_;
  }
}

double Verdict::loss() const { return loss_ / static_cast<double>(samples_); }

double Verdict::accuracy() const {
  const int64_t right = std::accumulate(right_.begin(), right_.end(), int64_t{0});
  return static_cast<double>(right) / static_cast<double>(samples_);
}

double Verdict::accuracy_of(size_t c) const {
  if (of_class_[c] == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(right_[c]) / static_cast<double>(of_class_[c]);
}

Verdict judge_all(Classifier& classifier, const DataSource& data) {
  Verdict verdict(classifier.classes());
  const int64_t count = data.info().count;
  for (int64_t first = 0; first < count; first += classifier.batch()) {
    const int64_t now = std::min(classifier.batch(), count - first);
    std::vector<float> images(static_cast<size_t>(now * classifier.sample().elements()));
    std::vector<float> labels(static_cast<size_t>(now));
    data.read(static_cast<uint64_t>(first), now, images.data(), labels.data());
    verdict.add(classifier.logits(images), labels);
  }
  return verdict;
}

}  // namespace gantry
