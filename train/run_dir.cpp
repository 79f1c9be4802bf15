// SPDX-License-Identifier: Apache-2.0
#include "train/run_dir.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "train/run_lock.h"

namespace gantry {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStateNames[] = {"running", "done", "stopped", "failed"};
constexpr const char* kFolders[] = {"checkpoints", "events", "samples"};
constexpr uint64_t kMaxStatusBytes = 1 << 20;

bool is_leftover(const fs::path& entry) {
  const std::string name = entry.filename().string();
  if (name == kRunLockFile || (name.front() == '.' && name.ends_with(".tmp"))) return true;
  const bool ours = std::find(std::begin(kFolders), std::end(kFolders), name) != std::end(kFolders);
  return ours && fs::is_directory(entry) && fs::is_empty(entry);
}

// IoError where `dir` cannot be made because of what it would lie in.
void require_writable_parent(const fs::path& dir) {
  fs::path parent = fs::absolute(dir).lexically_normal();
  std::error_code ignored;
  while (!fs::exists(parent, ignored) && parent.has_relative_path()) parent = parent.parent_path();
  if (!fs::is_directory(parent, ignored)) throw_io_error("create the folder", dir, ENOTDIR);
  if (::access(parent.c_str(), W_OK) != 0) throw_io_error("create the folder", dir, errno);
}

// Bytes of the UTF-8 character at the start of `text`, 0 where there is no whole one.
size_t utf8_length(std::string_view text, char32_t& character) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  constexpr uint8_t kHead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  if ((byte(0) & 0xc0) == 0x80 || byte(0) > 0xf4 || text.size() < length) return 0;
  character = byte(0) & kHead[length];
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < kLowest[length] || character > 0x10ffff || surrogate ? 0 : length;
}

// What may stand in a name that people type and scripts pass on: letters of any script, digits,
// '-', '_' and '.'. Not spaces, nor marks that shells, terminals or writing direction act on.
bool fits_a_name(char32_t c) {
  if (c < 0x80)
    return (c < 0x7f && std::isalnum(static_cast<int>(c))) || c == '-' || c == '_' || c == '.';
  struct Range {
    char32_t first, last;
  };
  constexpr Range kUnfit[] = {{0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},
                              {0xbb, 0xbf},     {0x1680, 0x1680}, {0x2000, 0x206f},
                              {0x3000, 0x3000}, {0xe000, 0xf8ff}, {0xfe00, 0xfe0f},
                              {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
  return std::none_of(std::begin(kUnfit), std::end(kUnfit),
                      [c](const Range& range) { return c >= range.first && c <= range.last; });
}

std::string safe_name(std::string_view name) {
  constexpr size_t kMostBytes = 100;
  std::string safe;
  while (!name.empty()) {
    char32_t character = 0;
    const size_t length = utf8_length(name, character);
    const std::string part =
        length > 0 && fits_a_name(character) ? std::string(name.substr(0, length)) : "-";
    if (safe.size() + part.size() > kMostBytes) break;
    safe += part;
    name.remove_prefix(std::max<size_t>(length, 1));
  }
  return safe.empty() ? "run" : safe;
}

int last_number(const fs::path& runs) {
  int last = 0;
  for (const auto& entry : fs::directory_iterator(runs)) {
    const std::string name = entry.path().filename().string();
    const size_t digits = name.find_first_not_of("0123456789");
    if (digits == std::string::npos || digits < 4 || digits > 8 || name[digits] != '-') continue;
    last = std::max(last, std::stoi(name.substr(0, digits)));
  }
  return last;
}

std::string padded(uint64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < width ? width - digits.size() : 0, '0') + digits;
}

}  // namespace

const char* run_state_name(RunState state) { return kStateNames[static_cast<size_t>(state)]; }

RunDir::RunDir(fs::path path) : path_(std::move(path)) {}
RunDir::RunDir(RunDir&&) noexcept = default;
RunDir& RunDir::operator=(RunDir&&) noexcept = default;
RunDir::~RunDir() = default;

bool RunDir::is_run(const fs::path& dir) {
  std::error_code ignored;
  return fs::exists(dir / "config.json", ignored) && fs::is_directory(dir / "checkpoints", ignored);
}

void RunDir::require_free(const fs::path& dir) {
  if (!fs::exists(fs::symlink_status(dir))) return require_writable_parent(dir);
  if (!fs::is_directory(dir)) {
    throw ConfigError(concat(dir.string(), " is a file; the output of a run is a folder"));
  }
  if (fs::exists(dir / "config.json")) {
    throw ConfigError(concat(dir.string(), " already holds a run. Continue it with `gantry resume ",
                             dir.string(), "` or choose another folder."));
  }
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (is_leftover(entry.path())) continue;
    throw ConfigError(concat(dir.string(), " is not empty (it holds ", entry.path().filename(),
                             ") and is not a run of Gantry: choose another folder"));
  }
}

RunDir RunDir::create(const fs::path& dir, Log& log) {
  require_free(dir);
  make_folders(dir);
  RunDir run(dir);
  run.lock_ = std::make_unique<RunLock>(dir, log);
  // Another job may have begun and ended here between the first look and the lock.
  require_free(dir);
  sweep_temporaries(dir);
  for (const char* folder : kFolders) make_folders(dir / folder);
  return run;
}

RunDir RunDir::create_numbered(const fs::path& runs, const std::string& name, Log& log) {
  make_folders(runs);
  for (int number = last_number(runs) + 1;; ++number) {
    const fs::path dir =
        runs / concat(padded(static_cast<uint64_t>(number), 4), "-", safe_name(name));
    // mkdir decides between jobs that start at the same moment.
    if (::mkdir(dir.c_str(), 0777) == 0) return create(dir, log);
    if (errno != EEXIST) throw_io_error("create the folder", dir, errno);
  }
}

RunDir RunDir::open(const fs::path& dir, Log& log) {
  RunDir run = view(dir);
  run.lock_ = std::make_unique<RunLock>(dir, log);
  sweep_temporaries(dir);
  for (const char* folder : kFolders) {
    make_folders(dir / folder);
    sweep_temporaries(dir / folder);
  }
  return run;
}

RunDir RunDir::view(const fs::path& dir) {
  if (!fs::is_directory(dir)) {
    throw CheckpointError(concat(dir.string(), fs::exists(dir) ? " is a file" : " does not exist",
                                 "; give the folder of a run"));
  }
  if (!fs::exists(dir / "config.json")) {
    throw CheckpointError(concat(dir.string(), " is not a run of Gantry: it has no config.json"));
  }
  return RunDir(dir);
}

fs::path RunDir::grid(uint64_t step) const {
  return samples() / concat("step-", padded(step, 8), ".png");
}

std::vector<fs::path> RunDir::grids() const {
  std::vector<fs::path> found;
  if (!fs::is_directory(samples())) return found;
  for (const auto& entry : fs::directory_iterator(samples())) {
    unsigned long long step = 0;
    const std::string name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "step-%19llu.png", &step) != 1) continue;
    if (grid(step).filename() == name) found.push_back(entry.path());
  }
  // Zero-padding orders steps by name up to 8 digits, length first does so for all.
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    const auto &x = a.native(), &y = b.native();
    return x.size() != y.size() ? x.size() < y.size() : x < y;
  });
  return found;
}

void RunDir::write_config(const std::string& json) { write_file_atomically(config(), json); }

void RunDir::write_environment(const std::string& json) {
  write_file_atomically(environment(), json);
}

void RunDir::write_status(const RunStatus& run_status) {
  const nlohmann::ordered_json json = {{"state", run_state_name(run_status.state)},
                                       {"step", run_status.step},
                                       {"steps", run_status.steps},
                                       {"exit_code", run_status.exit_code},
                                       {"message", run_status.message}};
  write_file_atomically(status(),
                        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

RunStatus RunDir::read_status() const {
  try {
    const auto json = nlohmann::json::parse(read_file(status(), kMaxStatusBytes));
    RunStatus result;
    const std::string state = json.at("state");
    const auto name = std::find(std::begin(kStateNames), std::end(kStateNames), state);
    if (name == std::end(kStateNames)) {
      throw CheckpointError(concat(status().string(), ": unknown state \"", state, "\""));
    }
    result.state = static_cast<RunState>(name - std::begin(kStateNames));
    json.at("step").get_to(result.step);
    json.at("steps").get_to(result.steps);
    json.at("exit_code").get_to(result.exit_code);
    json.at("message").get_to(result.message);
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw CheckpointError(concat(status().string(), ": not a status: ", error.what()));
  }
}

void RunDir::require_space(uint64_t bytes) const {
  struct statvfs space = {};
  if (::statvfs(path_.c_str(), &space) != 0) throw_io_error("inspect", path_, errno);
  const uint64_t available = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  if (available >= bytes) return;
  throw IoError(concat(path_.string(), ": the run needs about ", bytes >> 20,
                       " MiB for checkpoints and samples, but its disk has only ", available >> 20,
                       " MiB left. Free some space or choose another folder with --out."));
}

void RunDir::heartbeat() {
  if (lock_) lock_->heartbeat();
}

void RunDir::discard_after(uint64_t step) {
  const fs::path last = grid(step);
  for (const fs::path& path : grids()) {
    const auto &a = path.native(), &b = last.native();
    const bool later = a.size() != b.size() ? a.size() > b.size() : a > b;
    if (later) ::unlink(path.c_str());
  }
}

}  // namespace gantry
