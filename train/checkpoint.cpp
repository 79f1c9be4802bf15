// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/atomic_file.h"

namespace gantry {
namespace fs = std::filesystem;
namespace {

constexpr char kPrefix[] = "step-";
constexpr char kBestFile[] = "best.json";
constexpr uint64_t kMaxBestBytes = 4096;

std::string step_name(uint64_t step) {
  const std::string digits = std::to_string(step);
  return kPrefix + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

std::optional<uint64_t> step_of(const std::string& name) {
  const std::string prefix = kPrefix;
  if (!name.starts_with(prefix) || name.size() > prefix.size() + 19) return std::nullopt;
  const std::string digits = name.substr(prefix.size());
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const uint64_t step = std::stoull(digits);
  if (step_name(step) != name) return std::nullopt;
  return step;
}

// A kill while it goes must not leave half a folder under its name.
void discard(const fs::path& path) {
  const fs::path doomed = temporary_beside(path);
  std::error_code error;
  fs::rename(path, doomed, error);
  if (!error) fs::remove_all(doomed, error);
}

struct Best {
  uint64_t step = 0;
  std::string metric;
  double value = 0;
};

// Nothing when there is none or it cannot be read: the best is a convenience, never a reason to
// stop.
std::optional<Best> read_best(const fs::path& folder) {
  try {
    const auto json = nlohmann::json::parse(read_file(folder / kBestFile, kMaxBestBytes));
    Best best;
    json.at("step").get_to(best.step);
    json.at("metric").get_to(best.metric);
    json.at("value").get_to(best.value);
    return best;
  } catch (const IoError&) {
    return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void write_best(const fs::path& folder, const Best& best) {
  const nlohmann::ordered_json json = {
      {"step", best.step}, {"metric", best.metric}, {"value", best.value}};
  write_file_atomically(folder / kBestFile, json.dump() + "\n");
}

}  // namespace

const HostTensor& Checkpoint::tensor(const std::string& name) const {
  for (const HostTensor& candidate : tensors) {
    if (candidate.name == name) return candidate;
  }
  throw CheckpointError(concat("the checkpoint of step ", step, " has no tensor \"", name, "\""));
}

fs::path CheckpointStore::path_of(uint64_t step) const { return folder_ / step_name(step); }

void CheckpointStore::sweep() {
  const size_t count = sweep_temporaries(folder_);
  if (count > 0) {
    log_.warning("removed ", count, " unfinished ", count == 1 ? "file" : "files", " from ",
                 folder_.string(), ": a save was cut short");
  }
}

void CheckpointStore::save(const Checkpoint& checkpoint, const Retention& retention,
                           std::optional<double> score) {
  GANTRY_CHECK(retention.last >= 1, "the newest checkpoint is always kept");
  make_folders(folder_);
  const fs::path target = path_of(checkpoint.step), unfinished = temporary_beside(target);
  try {
    make_folders(unfinished);
    write_checkpoint(unfinished, checkpoint);
    replace_atomically(unfinished, target);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw;
  }
  if (!retention.metric.empty() && score && std::isfinite(*score)) {
    const std::optional<Best> best = read_best(folder_);
    const bool better = !best || best->metric != retention.metric || !best_step() ||
                        (retention.higher_is_better ? *score > best->value : *score < best->value);
    if (better) write_best(folder_, {checkpoint.step, retention.metric, *score});
  }
  prune(retention);
}

void CheckpointStore::prune(const Retention& retention) {
  std::vector<uint64_t> kept = steps();
  const std::optional<uint64_t> best = retention.metric.empty() ? std::nullopt : best_step();
  const size_t last = static_cast<size_t>(retention.last);
  for (size_t i = 0; i + last < kept.size(); ++i) {
    if (kept[i] != best) discard(path_of(kept[i]));
  }
}

std::optional<Checkpoint> CheckpointStore::load_latest() {
  std::vector<uint64_t> candidates = steps();
  std::string reasons;
  while (!candidates.empty()) {
    const uint64_t step = candidates.back();
    candidates.pop_back();
    try {
      Checkpoint checkpoint = load_step(step);
      if (!reasons.empty()) log_.warning("going on from the good checkpoint of step ", step);
      return checkpoint;
    } catch (const Error& error) {
      if (error.code() != ExitCode::kCheckpoint && error.code() != ExitCode::kIo) throw;
      log_.error("checkpoint ", path_of(step).string(), " is unusable: ", error.what());
      reasons += concat("\n", step_name(step), ": ", error.what());
    }
  }
  if (reasons.empty()) return std::nullopt;
  const std::string run = folder_.parent_path().string();
  throw CheckpointError(concat("no checkpoint in ", folder_.string(), " is usable:", reasons,
                               "\nput back a copy of one, or start again: gantry train ", run,
                               "/config.json --out NEW"));
}

Checkpoint CheckpointStore::load_step(uint64_t step) {
  Checkpoint checkpoint = load_checkpoint(path_of(step));
  if (checkpoint.step != step) {
    throw CheckpointError(concat(path_of(step).string(), ": its manifest says step ",
                                 checkpoint.step, ": the folder was renamed"));
  }
  return checkpoint;
}

std::optional<Checkpoint> CheckpointStore::load_best() {
  const std::optional<uint64_t> step = best_step();
  if (!step) return std::nullopt;
  return load_step(*step);
}

void CheckpointStore::set_aside_after(uint64_t step) {
  for (const uint64_t later : steps()) {
    if (later <= step) continue;
    const fs::path from = path_of(later), to = folder_ / ("aside-" + step_name(later));
    discard(to);
    std::error_code error;
    fs::rename(from, to, error);
    if (error) throw_io_error("rename", from, error.value());
    log_.warning("set aside ", to.string(), ": the run goes on from step ", step);
  }
  const std::optional<Best> best = read_best(folder_);
  if (best && best->step > step) {
    std::error_code ignored;
    fs::remove(folder_ / kBestFile, ignored);
  }
}

std::vector<uint64_t> CheckpointStore::steps() const {
  std::vector<uint64_t> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto step = step_of(entry->path().filename().string())) found.push_back(*step);
  }
  if (error && fs::exists(folder_)) throw_io_error("read the folder", folder_, error.value());
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<uint64_t> CheckpointStore::best_step() const {
  const std::optional<Best> best = read_best(folder_);
  if (!best || !fs::exists(path_of(best->step))) return std::nullopt;
  return best->step;
}

}  // namespace gantry
